//! Registers of codes that can be summed before their scales are applied.
//!
//! Where a byte holds two codes of one unit, as the nibbles of `Q4_0` do, a register of low
//! nibbles and one of high nibbles of the same bytes belong to the same units lane by lane: two
//! dot products can share a sum, and one conversion and one scale serve both. So the codes of a
//! span are put in the order of their bytes, the lowest bits of all bytes first, as far as
//! registers reach. The same for bytes that hold neighbours, as those of `Q2_0` do.
//!
//! Where the nibbles of a byte belong to two units, as in `Q4_K`, wide registers, whose bytes can
//! be moved, take a part of 16 bytes of each of four units, and the next register of the chain the
//! next part of the same units.
//!
//! Activations are put in the same order before they are multiplied.

use super::lower::Register;
use super::model::Bit;
use super::runs;

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
    side_by_side(&places, unit, lanes)
        .or_else(|| part_by_part(&places, unit, lanes))
        .or_else(|| four_by_four(numbers, unit, lanes))
}

/// Registers with a sum for each unit of the span: four weights of every unit, then the next four.
/// Scales need no spreading, but each register gathers and shifts for itself, which pays where the
/// codes are pieces of a few bytes.
fn four_by_four(numbers: &[Vec<Bit>], unit: usize, lanes: usize) -> Option<Vec<Chain>> {
    const SUMS: usize = 16;
    let bytes = numbers.iter().flatten().flatten().map(|bit| bit / 8);
    let (first, last) = (bytes.clone().min()?, bytes.max()?);
    let whole = |bits: &Vec<Bit>| matches!(&runs::pieces(bits)[..], [piece] if piece.to == 0);
    let suits = lanes == 4 * SUMS
        && numbers.len() == SUMS * unit
        && last - first < lanes
        && numbers.iter().all(whole);
    let register = |four: usize| {
        let of = |sum: usize| sum * unit + 4 * four..sum * unit + 4 * four + 4;
        (0..SUMS).flat_map(of).collect()
    };
    let registers = (0..unit / 4).map(register).collect();
    suits.then(|| vec![Chain { first: 0, step: 1, per: 1, registers }])
}

/// A register for each place in a byte, all of the same bytes.
fn side_by_side(places: &[&[usize]], unit: usize, lanes: usize) -> Option<Vec<Chain>> {
    let size = places[0].len();
    let alike = places.iter().all(|weights| weights.len() == size);
    if !alike || !size.is_multiple_of(lanes) {
        return None;
    }
    let chains = |n: usize| {
        let register = |weights: &&[usize]| {
            let weights = weights[n * lanes..(n + 1) * lanes].to_vec();
            Some((sums(&weights, unit)?, weights))
        };
        let registers: Option<Vec<(Vec<usize>, Vec<usize>)>> =
            places.iter().map(register).collect();
        registers?.chunk_by(|a, b| a.0 == b.0).map(chain).collect::<Option<Vec<_>>>()
    };
    let found: Option<Vec<Vec<Chain>>> = (0..size / lanes).map(chains).collect();
    found.map(|chains| chains.concat())
}

/// The chain of registers with the same units; `None` of a single one.
fn chain(registers: &[(Vec<usize>, Vec<usize>)]) -> Option<Chain> {
    let units = &registers[0].0;
    let first = units[0];
    let per = units.iter().take_while(|unit| **unit == first).count();
    let step = units.get(per).map_or(Some(1), |unit| unit.checked_sub(first))?;
    let even = units.iter().enumerate().all(|(sum, unit)| *unit == first + step * (sum / per));
    let registers: Vec<_> = registers.iter().map(|(_, weights)| weights.clone()).collect();
    (registers.len() > 1 && even).then_some(Chain { first, step, per, registers })
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

/// The unit of each sum of four lanes; `None` if one is of several.
fn sums(weights: &[usize], unit: usize) -> Option<Vec<usize>> {
    let of = |four: &[usize]| {
        let first = four[0] / unit;
        four.iter().all(|weight| weight / unit == first).then_some(first)
    };
    weights.chunks(4).map(of).collect()
}

/// The order of the chains' weights, as the length of runs that stay together and their places.
pub(crate) fn order(chains: &[Chain]) -> (usize, Vec<u16>) {
    let weights: Vec<usize> =
        chains.iter().flat_map(|chain| &chain.registers).flatten().copied().collect();
    let neighbours = |four: &[usize]| {
        four[0].is_multiple_of(4) && four.windows(2).all(|pair| pair[1] == pair[0] + 1)
    };
    let run = if weights.chunks(4).all(neighbours) { 4 } else { 1 };
    (run, weights.iter().step_by(run).map(|weight| (weight / run) as u16).collect())
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
        let (run, order) = order(&found);
        assert_eq!((run, &order[..12]), (4, &[0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7][..]));
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
        let (run, order) = order(&found);
        assert_eq!((run, &order[..8]), (4, &[0, 1, 2, 3, 16, 17, 18, 19][..]));
        // Too few units for a register; bytes that do not move.
        assert_eq!(chains(&planes(2), 32, 64), None);
        assert_eq!(chains(&planes(4), 32, 32), None);
    }

    /// Blocks of 64 codes in 16 bytes, units of 32: neighbours in a byte.
    fn packed(blocks: usize) -> Vec<Vec<Bit>> {
        (0..64 * blocks).map(|weight| vec![Some(2 * weight), Some(2 * weight + 1)]).collect()
    }

    #[test]
    fn neighbours_in_a_byte_are_chained_and_every_weight_moves() {
        let found = chains(&packed(4), 32, 64).unwrap();
        assert_eq!(found.len(), 1);
        let facts = |chain: &Chain| (chain.first, chain.step, chain.per, chain.registers.len());
        assert_eq!(facts(&found[0]), (0, 1, 2, 4));
        let (run, order) = order(&found);
        assert_eq!((run, &order[..5], order[64]), (1, &[0, 4, 8, 12, 16][..], 1));
        assert_eq!(chains(&packed(4), 16, 64).unwrap()[0].per, 1);
    }

    #[test]
    fn nibbles_of_different_units_are_not() {
        assert_eq!(chains(&halves(4), 16, 32), None);
        let bytes: Vec<Vec<Bit>> =
            (0..64).map(|n| (8 * n..8 * n + 8).map(Some).collect()).collect();
        assert_eq!(chains(&bytes, 32, 32), None);
    }
}
