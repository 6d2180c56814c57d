//! How a format is cut for the vector loops: units that share a scale, and spans.
//!
//! A *unit* is a run of weights that shares every group value and an activation scale: 32, or 16
//! where groups are shorter. A *span* is the stretch of a row that the loops decode at once: whole
//! blocks, whole vector registers of codes, and at most 16 units, so that the scales of a span
//! are one vector.

use super::model::Format;

/// Units of a span: the lanes of a vector of group values.
pub(crate) const UNITS: usize = 16;
/// Codes in the widest register.
const WIDEST: usize = 64;
/// Weights that a span should hold, if blocks allow: enough work to hide the scales' latency.
/// Where scales are made of integers, in many steps, or blocks are as long as that, as many as the
/// vector of scales has room for.
const WISHED: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recipe {
    /// Weights that share all scales.
    pub(crate) unit: usize,
    /// Blocks in a span.
    pub(crate) blocks: usize,
}

/// The recipe of a format, or `None` if the vector loops cannot take it as it is: groups that
/// are not multiples of 16, blocks that never fill whole registers within a span.
pub(crate) fn recipe(format: &Format) -> Option<Recipe> {
    let mut groups = vec![32, format.block()];
    format.equation.scale.groups(&mut groups);
    format.equation.extra.iter().for_each(|extra| extra.groups(&mut groups));
    let unit = groups.into_iter().fold(0, gcd);
    if unit < 16 {
        return None;
    }
    let fits = |blocks: &usize| {
        let weights = blocks * format.block();
        weights.is_multiple_of(WIDEST) && weights <= UNITS * unit && blocks * format.bytes >= 16
    };
    let feasible: Vec<usize> = (1..=UNITS).filter(fits).collect();
    let long = format.equation.scale.has_integers() || format.block() >= WISHED;
    let wish = if long { UNITS * unit } else { WISHED };
    // Bytes of codes for a register, so that those of one place in a byte fill it.
    let fills = |weights: usize| weights * format.codes().width >= 8 * WIDEST;
    let enough = |blocks: &usize| blocks * format.block() >= wish && fills(blocks * format.block());
    let wished = feasible.iter().copied().find(enough);
    let blocks = wished.or(feasible.last().copied())?;
    Some(Recipe { unit, blocks })
}

pub(crate) fn gcd(a: usize, b: usize) -> usize {
    if a == 0 { b } else { gcd(b % a, a) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn gcd_of_group_lengths() {
        assert_eq!(super::gcd(0, 32), 32);
        assert_eq!(super::gcd(32, 24), 8);
    }
}
