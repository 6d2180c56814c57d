//! Registers of codes that can be summed before their scales are applied.
//!
//! Where a byte holds two codes of one unit, as the nibbles of `Q4_0` do, a register of low
//! nibbles and one of high nibbles of the same bytes belong to the same units lane by lane: two
//! dot products can share a sum, and one conversion and one scale serve both. So the codes of a
//! span are put in the order of their bytes, the lowest bits of all bytes first, as far as
//! registers reach.
//!
//! Where the nibbles of a byte belong to two units, as in `Q4_K`, wide registers, whose bytes can
//! be moved, take a part of 16 bytes of each of four units, and the next register of the chain the
//! next part of the same units.
//!
//! Activations are put in the same order before they are multiplied.

use super::lower::Register;
use super::model::Bit;

/// Registers whose lanes belong to the same units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    /// The unit of the first sum.
    pub(crate) first: usize,
    /// From the unit of some sums to the unit of the next.
    pub(crate) step: usize,
    /// Neighbouring sums that belong to one unit.
    pub(crate) per: usize,
    /// The weights in each lane of each register.
    pub(crate) registers: Vec<Vec<usize>>,
}

/// Chains of at least two registers that hold all weights of a span; `None` if the layout has
/// none. `numbers` are the source bits of each weight's code.
pub(crate) fn chains(numbers: &[Vec<Bit>], unit: usize, lanes: usize) -> Option<Vec<Chain>> {
    let lowest = |weight: &usize| numbers[*weight].first().copied().flatten();
    let mut weights: Vec<usize> = (0..numbers.len()).collect();
    // By place in the byte, then by byte.
    weights.sort_by_key(|weight| lowest(weight).map(|bit| (bit % 8, bit / 8)));
    let places: Vec<&[usize]> = weights
        .chunk_by(|a, b| lowest(a).map(|bit| bit % 8) == lowest(b).map(|bit| bit % 8))
        .collect();
    if places.len() < 2 {
        return None;
    }
    side_by_side(&places, unit, lanes).or_else(|| part_by_part(&places, unit, lanes))
}

/// A register for each place in a byte, all of the same bytes.
fn side_by_side(places: &[&[usize]], unit: usize, lanes: usize) -> Option<Vec<Chain>> {
    let size = places[0].len();
    let alike = places.iter().all(|weights| weights.len() == size);
    if !alike || !size.is_multiple_of(lanes) {
        return None;
    }
    let chain = |n: usize| {
        let registers: Vec<Vec<usize>> =
            places.iter().map(|weights| weights[n * lanes..(n + 1) * lanes].to_vec()).collect();
        let units = units(&registers[0], unit)?;
        let same =
            registers.iter().all(|weights| self::units(weights, unit).as_ref() == Some(&units));
        let per = units.iter().take_while(|unit| **unit == units[0]).count();
        let even = units.iter().enumerate().all(|(sum, unit)| *unit == units[0] + sum / per);
        (same && even).then_some(Chain { first: units[0], step: 1, per, registers })
    };
    (0..size / lanes).map(chain).collect()
}

/// Registers of one place in a byte, made of a part of each of some units.
fn part_by_part(places: &[&[usize]], unit: usize, lanes: usize) -> Option<Vec<Chain>> {
    /// Bytes that are moved together.
    const PART: usize = 16;
    if lanes != Register::Wide.lanes() || unit < 2 * PART {
        return None;
    }
    let chain = |units: &[usize]| {
        let firsts: Vec<usize> = units.chunks(unit).map(|weights| weights[0] / unit).collect();
        let whole = units.chunks(unit).zip(&firsts).all(|(weights, first)| {
            weights.iter().enumerate().all(|(n, weight)| *weight == unit * first + n)
        });
        let step = firsts[1].checked_sub(firsts[0])?;
        let even = firsts.windows(2).all(|pair| pair[1] == pair[0] + step);
        let part = |n: usize| {
            let parts = units.chunks(unit).map(|weights| &weights[n * PART..(n + 1) * PART]);
            parts.flatten().copied().collect()
        };
        let registers = (0..unit / PART).map(part).collect();
        (whole && even).then_some(Chain { first: firsts[0], step, per: PART / 4, registers })
    };
    let size = lanes / PART * unit;
    let chunks = |weights: &&[usize]| weights.len().is_multiple_of(size);
    if !places.iter().all(chunks) {
        return None;
    }
    places.iter().flat_map(|weights| weights.chunks(size)).map(chain).collect()
}

/// The unit of each sum, if sums are of four neighbouring weights.
fn units(weights: &[usize], unit: usize) -> Option<Vec<usize>> {
    let of = |four: &[usize]| {
        let neighbours = four[0].is_multiple_of(4) && four.windows(2).all(|w| w[1] == w[0] + 1);
        neighbours.then_some(four[0] / unit)
    };
    weights.chunks(4).map(of).collect()
}

/// The places of fours of weights in the order of the chains.
pub(crate) fn order(chains: &[Chain]) -> Vec<u8> {
    let weights = chains.iter().flat_map(|chain| &chain.registers).flatten();
    weights.step_by(4).map(|weight| (weight / 4) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of 32 codes in 16 bytes: low nibbles, then high ones.
    fn halves(blocks: usize) -> Vec<Vec<Bit>> {
        let bit = |weight: usize| 8 * (weight / 32 * 16 + weight % 16) + weight % 32 / 16 * 4;
        (0..32 * blocks).map(|weight| (bit(weight)..bit(weight) + 4).map(Some).collect()).collect()
    }

    #[test]
    fn nibbles_of_one_unit_are_chained() {
        let found = chains(&halves(4), 32, 32).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[1].first, found[1].per), (2, 4));
        assert_eq!(found[1].registers[0][16], 96);
        assert_eq!(found[1].registers[1][0], 80);
        assert_eq!(order(&found)[..12], [0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7]);
    }

    /// Blocks of 64 codes in 32 bytes, units of 32: low nibbles, then high ones.
    fn planes(blocks: usize) -> Vec<Vec<Bit>> {
        let bit = |weight: usize| 8 * (weight / 64 * 32 + weight % 32) + weight % 64 / 32 * 4;
        (0..64 * blocks).map(|weight| (bit(weight)..bit(weight) + 4).map(Some).collect()).collect()
    }

    #[test]
    fn nibbles_of_two_units_are_chained_part_by_part_on_wide_registers() {
        let found = chains(&planes(4), 32, 64).unwrap();
        assert_eq!(found.len(), 2);
        let facts = |chain: &Chain| (chain.first, chain.step, chain.per, chain.registers.len());
        assert_eq!(facts(&found[0]), (0, 2, 4, 2));
        assert_eq!(facts(&found[1]), (1, 2, 4, 2));
        assert_eq!(found[1].registers[1][..17], [(48..64).collect(), vec![112]].concat());
        assert_eq!(order(&found)[..8], [0, 1, 2, 3, 16, 17, 18, 19]);
        // Too few units for a register; bytes that do not move.
        assert_eq!(chains(&planes(2), 32, 64), None);
        assert_eq!(chains(&planes(4), 32, 32), None);
    }

    #[test]
    fn nibbles_of_different_units_are_not() {
        assert_eq!(chains(&halves(4), 16, 32), None);
        let bytes: Vec<Vec<Bit>> =
            (0..64).map(|n| (8 * n..8 * n + 8).map(Some).collect()).collect();
        assert_eq!(chains(&bytes, 32, 32), None);
    }
}
