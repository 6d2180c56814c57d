//! A declared layout as a value: where fields and numbers lie, and what the equation does with
//! them. Scalar decoding, the encoder, tools and tests read it.

/// What the elements of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    F16,
    Bf16,
    F32,
    E8m0,
    Ue4m3,
    U8,
    I8,
    U16,
    U32,
}

/// A field of the block.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// As declared.
    pub name: &'static str,
    /// Type of an element.
    pub kind: Kind,
    /// Elements.
    pub count: usize,
    /// First byte in the block.
    pub offset: usize,
}

/// One piece of consecutive numbers: `width` bits of a byte each, at steps of bytes and bits.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    first: usize,
    end: usize,
    to: u32,
    width: u32,
    byte: (usize, isize),
    shift: (isize, isize),
}

impl Run {
    /// Numbers `numbers` have, at bits `to..to + width`, bits from `shift.0` of byte `byte.0`;
    /// the second elements are the steps from one number to the next.
    #[must_use]
    pub const fn new(
        numbers: std::ops::Range<usize>,
        to: u32,
        width: u32,
        byte: (usize, isize),
        shift: (isize, isize),
    ) -> Self {
        Self { first: numbers.start, end: numbers.end, to, width, byte, shift }
    }

    /// Number, byte and shift of every piece.
    fn places(&self) -> impl Iterator<Item = (usize, usize, u32)> + use<> {
        let Self { first, end, byte, shift, .. } = *self;
        (first..end).enumerate().map(move |(n, number)| {
            let at = byte.0.wrapping_add_signed(byte.1 * n as isize);
            (number, at, (shift.0 + shift.1 * n as isize) as u32)
        })
    }

    fn mask(&self) -> u8 {
        ((1u16 << self.width) - 1) as u8
    }
}

/// Small integers scattered over a block.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// As declared.
    pub name: &'static str,
    /// How many.
    pub len: usize,
    /// Bits of each, at most 8.
    pub width: u32,
    /// Two's complement.
    pub signed: bool,
    /// Where the bits lie.
    pub runs: &'static [Run],
}

impl Numbers {
    /// The raw bits of all numbers of a block.
    pub fn read_raw(&self, block: &[u8], raw: &mut [u8]) {
        raw[..self.len].fill(0);
        for run in self.runs {
            for (number, byte, shift) in run.places() {
                raw[number] |= ((block[byte] >> shift) & run.mask()) << run.to;
            }
        }
    }

    /// The numbers of a block, as the equation uses them.
    #[must_use]
    pub fn read<const N: usize>(&self, block: &[u8]) -> [f32; N] {
        let mut raw = [0; N];
        self.read_raw(block, &mut raw);
        raw.map(|raw| f32::from(self.value(raw)))
    }

    /// The number that raw bits stand for.
    #[must_use]
    pub fn value(&self, raw: u8) -> i16 {
        let sign = i16::from(self.signed) << (self.width - 1);
        (i16::from(raw) ^ sign) - sign
    }

    /// Packs raw numbers into a block whose bits for them are zero.
    pub fn write_raw(&self, raw: &[u8], block: &mut [u8]) {
        for run in self.runs {
            for (number, byte, shift) in run.places() {
                block[byte] |= ((raw[number] >> run.to) & run.mask()) << shift;
            }
        }
    }
}

/// Integers that the equation uses once a group, and the factor that each raw value stands for.
#[derive(Clone, Copy, Debug)]
pub struct Integer {
    /// Where they lie.
    pub numbers: &'static Numbers,
    /// Weights that share one.
    pub group: usize,
    /// Factor by raw value.
    pub values: &'static [f32],
}

/// A product that a group of weights shares: `constant * float * integer`.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The literal factor.
    pub constant: f32,
    /// A float field, by index, and the weights that share an element of it.
    pub float: Option<(usize, usize)>,
    /// A small integer.
    pub integer: Option<Integer>,
}

/// A block layout and its equation, `w = scale * levels[code] + extra`.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// In file order.
    pub fields: &'static [Field],
    /// All small integers, the codes among them.
    pub numbers: &'static [&'static Numbers],
    /// One a weight.
    pub codes: &'static Numbers,
    /// The level of each raw code, center included.
    pub levels: &'static [f32],
    /// `None` where the equation's scale is more than a product.
    pub scale: Option<Part>,
    /// The term without a code: absent, a product, or (`Some(None)`) more than that.
    pub extra: Option<Option<Part>>,
}
