//! Registers of codes that can be summed before their scales are applied.
//!
//! Where a byte holds two codes of one unit, as the nibbles of `Q4_0` do, a register of low
//! nibbles and one of high nibbles of the same bytes belong to the same units lane by lane: two
//! dot products can share a sum, and one conversion and one scale serve both. So the codes of a
//! span are put in the order of their bytes, the lowest bits of all bytes first, as far as
//! registers reach. Activations are put in the same order before they are multiplied.

use super::model::Bit;

/// Registers whose lanes belong to the same units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    /// The unit of the first sum.
    pub(crate) first: usize,
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
    let size = places[0].len();
    let alike = places.iter().all(|weights| weights.len() == size);
    if places.len() < 2 || !alike || !size.is_multiple_of(lanes) {
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
        (same && even).then_some(Chain { first: units[0], per, registers })
    };
    (0..size / lanes).map(chain).collect()
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

    #[test]
    fn nibbles_of_different_units_are_not() {
        assert_eq!(chains(&halves(4), 16, 32), None);
        let bytes: Vec<Vec<Bit>> =
            (0..64).map(|n| (8 * n..8 * n + 8).map(Some).collect()).collect();
        assert_eq!(chains(&bytes, 32, 32), None);
    }
}
