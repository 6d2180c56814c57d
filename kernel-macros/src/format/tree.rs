//! Arithmetic over values that a group of weights shares.

/// An expression without codes: what a scale or a bias is made of.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    /// Finite as an `f32`.
    Literal(f64),
    /// A float field: one a block, or with `Some(group)` one a group of that many weights.
    Float {
        field: usize,
        group: Option<usize>,
    },
    /// Integers, one per `group` weights, perhaps through a table of levels.
    Integer {
        numbers: usize,
        group: usize,
        table: Option<usize>,
    },
    Binary(Op, Box<Tree>, Box<Tree>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Add,
    Sub,
    Mul,
}

impl Op {
    pub(crate) fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
        }
    }
}

impl Tree {
    pub(crate) fn is(&self, value: f64) -> bool {
        matches!(self, Self::Literal(literal) if *literal == value)
    }

    /// `left op right`, with constants folded and factors of one left out.
    pub(crate) fn binary(op: Op, left: Self, right: Self) -> Self {
        if let (Self::Literal(a), Self::Literal(b)) = (&left, &right)
            && super::literal::fits_f32(op.apply(*a, *b))
        {
            return Self::Literal(op.apply(*a, *b));
        }
        match op {
            Op::Mul if left.is(1.0) => right,
            Op::Mul if right.is(1.0) => left,
            Op::Sub if right.is(0.0) => left,
            _ => Self::Binary(op, Box::new(left), Box::new(right)),
        }
    }

    pub(crate) fn negated(self) -> Self {
        Self::binary(Op::Mul, Self::Literal(-1.0), self)
    }

    /// Whether integers take part.
    pub(crate) fn has_integers(&self) -> bool {
        match self {
            Self::Literal(_) | Self::Float { .. } => false,
            Self::Integer { .. } => true,
            Self::Binary(_, left, right) => left.has_integers() || right.has_integers(),
        }
    }

    /// Group lengths named in the tree.
    pub(crate) fn groups(&self, found: &mut Vec<usize>) {
        match self {
            Self::Literal(_) | Self::Float { group: None, .. } => {}
            Self::Float { group: Some(group), .. } | Self::Integer { group, .. } => {
                found.push(*group);
            }
            Self::Binary(_, left, right) => {
                left.groups(found);
                right.groups(found);
            }
        }
    }
}
