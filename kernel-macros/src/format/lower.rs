//! Source bits to vector steps.
//!
//! A register holds one number a lane, a byte wide. The numbers' bits are cut into segments that
//! lie within one byte in every lane; each segment becomes *gather, shift, mask*, and the
//! segments are joined by `or`. Gather and shift look for the cheap idiom first:
//!
//! | lanes read | gather | | lanes shift | shift |
//! |---|---|---|---|---|
//! | consecutive bytes | `load` | | all alike | `shr`, `shl` |
//! | two runs of consecutive bytes | `load_halves` | | alike in each dword, right | `shift_dwords` |
//! | anything else | `shuffle`, `permute` | | one bit, 32 lanes | `test_bits` |
//! | | | | anything else | `shift_bytes` |
//!
//! so that any index map has a translation.

use super::model::Bit;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

/// The register that numbers are lowered to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Register {
    /// 64 codes; bytes move anywhere within it.
    Wide,
    /// 32 codes; bytes move within halves of 16.
    Narrow,
    /// 16 group values.
    Small,
}

impl Register {
    pub(crate) fn lanes(self) -> usize {
        match self {
            Self::Wide => 64,
            Self::Narrow => 32,
            Self::Small => 16,
        }
    }

    pub(crate) fn op(self, name: &str) -> Ident {
        match self {
            Self::Small => format_ident!("s_{name}"),
            _ => format_ident!("{name}"),
        }
    }
}

/// Constants of the function being written, each once.
#[derive(Default)]
pub(crate) struct Constants {
    bytes: Vec<Vec<u8>>,
    shifts: Vec<Vec<i8>>,
}

impl Constants {
    pub(crate) fn bytes(&mut self, value: Vec<u8>) -> Ident {
        format_ident!("AT{}", place_of(&mut self.bytes, value))
    }

    fn shift(&mut self, value: Vec<i8>) -> Ident {
        format_ident!("BY{}", place_of(&mut self.shifts, value))
    }

    /// The declarations, to stand before the code that uses them.
    pub(crate) fn tokens(&self) -> TokenStream {
        let bytes = self.bytes.iter().enumerate().map(|(n, value)| {
            let (name, literal) = (format_ident!("AT{n}"), Literal::byte_string(value));
            let len = Literal::usize_unsuffixed(value.len());
            quote! { const #name: &[u8; #len] = #literal; }
        });
        let shifts = self.shifts.iter().enumerate().map(|(n, value)| {
            let name = format_ident!("BY{n}");
            let counts = value.iter().map(|count| Literal::i8_unsuffixed(*count));
            quote! { const #name: &::kernels::isa::Shift = &::kernels::isa::Shift::new(&[#(#counts),*]); }
        });
        quote! { #(#bytes)* #(#shifts)* }
    }
}

fn place_of<T: PartialEq>(all: &mut Vec<T>, value: T) -> usize {
    all.iter().position(|known| *known == value).unwrap_or_else(|| {
        all.push(value);
        all.len() - 1
    })
}

/// Bits `low..high` of the numbers in all lanes: where each lane finds them.
struct Segment {
    low: usize,
    width: usize,
    /// Byte of the span and shift in it; `None` for a lane that does not matter.
    from: Vec<Option<(usize, usize)>>,
}

/// An expression for the register whose lane `n` holds the number made of `lanes[n]`.
///
/// Missing lanes may hold anything. `span` is the number of bytes that may be read.
pub(crate) fn lower(
    lanes: &[Vec<Bit>],
    register: Register,
    span: usize,
    constants: &mut Constants,
) -> TokenStream {
    let or = register.op("or");
    segments(lanes, register.lanes())
        .into_iter()
        .map(|segment| step(&segment, register, span, constants))
        .reduce(|all, next| quote! { isa.#or(#all, #next) })
        .expect("a number has bits")
}

/// Cuts the numbers where any lane's bits leave a byte or skip bits.
fn segments(lanes: &[Vec<Bit>], count: usize) -> Vec<Segment> {
    let mut cuts: Vec<usize> = lanes
        .iter()
        .flat_map(|bits| super::runs::pieces(bits))
        .flat_map(|piece| [piece.to, piece.to + piece.width])
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    let segment = |cut: &[usize]| {
        let (low, width) = (cut[0], cut[1] - cut[0]);
        let from = |lane: usize| {
            let bit = (*lanes.get(lane)?.get(low)?)?;
            Some((bit / 8, bit % 8))
        };
        Segment { low, width, from: (0..count).map(from).collect() }
    };
    let is_read = |segment: &Segment| segment.from.iter().any(Option::is_some);
    cuts.windows(2).map(segment).filter(is_read).collect()
}

fn step(
    segment: &Segment,
    register: Register,
    span: usize,
    constants: &mut Constants,
) -> TokenStream {
    let bytes: Vec<Option<usize>> =
        segment.from.iter().map(|from| from.map(|(byte, _)| byte)).collect();
    // Right by the shift in the byte, left to the place in the number: one net shift.
    let net: Vec<Option<i8>> = segment
        .from
        .iter()
        .map(|from| from.map(|(_, shift)| shift as i8 - segment.low as i8))
        .collect();
    let gathered = gather(&bytes, register, span, constants);
    let mask = ((1u16 << segment.width) - 1) << segment.low;
    if segment.width == 8 {
        return gathered;
    }
    if segment.width == 1 && register == Register::Narrow && uniform(&net).is_none() {
        let tested = segment.from.iter().map(|from| from.map_or(0, |(_, shift)| 1u8 << shift));
        let tested = constants.bytes(tested.collect());
        let set = Literal::u8_unsuffixed(mask as u8);
        return quote! { isa.test_bits(#gathered, #tested, #set) };
    }
    let shifted = shift(gathered, &net, register, constants);
    let (and, splat) = (register.op("and"), register.op("splat_u8"));
    let mask = Literal::u8_unsuffixed(mask as u8);
    quote! { isa.#and(#shifted, isa.#splat(#mask)) }
}

/// The one value of all lanes that matter.
fn uniform<T: PartialEq + Copy>(lanes: &[Option<T>]) -> Option<T> {
    let first = lanes.iter().flatten().next().copied()?;
    lanes.iter().flatten().all(|lane| *lane == first).then_some(first)
}

fn shift(
    value: TokenStream,
    net: &[Option<i8>],
    register: Register,
    constants: &mut Constants,
) -> TokenStream {
    if let Some(count) = uniform(net) {
        let bits = Literal::u32_unsuffixed(count.unsigned_abs().into());
        let (shr, shl) = (register.op("shr"), register.op("shl"));
        return match count {
            0 => value,
            1.. => quote! { isa.#shr(#value, #bits) },
            _ => quote! { isa.#shl(#value, #bits) },
        };
    }
    let dwords = net.chunks(4).all(|dword| uniform(dword).is_some_and(|count| count >= 0));
    let by = constants.shift(net.iter().map(|count| count.unwrap_or(0)).collect());
    match dwords && register != Register::Small {
        true => quote! { isa.shift_dwords(#value, #by) },
        false => {
            let op = register.op("shift_bytes");
            quote! { isa.#op(#value, #by) }
        }
    }
}

/// The byte at which a run of consecutive bytes starts, if the lanes read one within the span.
fn consecutive(bytes: &[Option<usize>], span: usize) -> Option<usize> {
    let starts: Vec<Option<usize>> =
        bytes.iter().enumerate().map(|(lane, byte)| (*byte)?.checked_sub(lane)).collect();
    let all = bytes.iter().zip(&starts).all(|(byte, start)| byte.is_some() == start.is_some());
    let start = uniform(&starts)?;
    (all && start + bytes.len() <= span).then_some(start)
}

fn gather(
    bytes: &[Option<usize>],
    register: Register,
    span: usize,
    constants: &mut Constants,
) -> TokenStream {
    let load = register.op("load");
    if let Some(start) = consecutive(bytes, span) {
        let start = Literal::usize_unsuffixed(start);
        return quote! { isa.#load(span, #start) };
    }
    let (low, high) = bytes.split_at(bytes.len() / 2);
    if register != Register::Small
        && let (Some(low), Some(high)) = (consecutive(low, span), consecutive(high, span))
    {
        let [low, high] = [low, high].map(Literal::usize_unsuffixed);
        return quote! { isa.load_halves(span, #low, #high) };
    }
    match register {
        Register::Wide => permute(bytes, span, constants),
        Register::Narrow => shuffle_halves(low, high, span, constants),
        Register::Small => shuffle(bytes, span, constants),
    }
}

/// Splits lanes by windows of `size` bytes: for each window its start, and for each lane the
/// place in it, or `None` if the lane reads another window.
fn windows(bytes: &[Option<usize>], size: usize, span: usize) -> Vec<(usize, Vec<Option<usize>>)> {
    let mut left: Vec<Option<usize>> = bytes.to_vec();
    let mut windows = vec![];
    while let Some(first) = left.iter().flatten().min().copied() {
        let start = first.min(span.saturating_sub(size));
        let take = |byte: &mut Option<usize>| byte.take_if(|byte| *byte < start + size);
        let taken = left.iter_mut().map(|byte| take(byte).map(|byte| byte - start)).collect();
        windows.push((start, taken));
    }
    windows
}

/// Any byte of one or two windows of 64; more windows are joined.
fn permute(bytes: &[Option<usize>], span: usize, constants: &mut Constants) -> TokenStream {
    const SIZE: usize = 64;
    let windows = windows(bytes, SIZE, span);
    let load = |start: usize| {
        let at = Literal::usize_unsuffixed(start);
        if span < SIZE {
            quote! { isa.load_prefix(span) }
        } else {
            quote! { isa.load(span, #at) }
        }
    };
    if let [(a, from_a), (b, from_b)] = &windows[..] {
        let index =
            |(a, b): (&Option<usize>, &Option<usize>)| a.or(b.map(|b| b + SIZE)).unwrap_or(0) as u8;
        let at = constants.bytes(from_a.iter().zip(from_b).map(index).collect());
        let (a, b) = (load(*a), load(*b));
        return quote! { isa.permute2(#a, #b, #at) };
    }
    let only = windows.len() == 1;
    let part = |(start, from): (usize, Vec<Option<usize>>)| {
        let at = constants.bytes(from.iter().map(|at| at.unwrap_or(0) as u8).collect());
        let load = load(start);
        let moved = quote! { isa.permute(#load, #at) };
        if only {
            return moved;
        }
        let keep = from.iter().map(|at| if at.is_some() { 255 } else { 0 });
        let keep = constants.bytes(keep.collect());
        quote! { isa.and(#moved, isa.load(#keep, 0)) }
    };
    let parts: Vec<_> = windows.into_iter().map(part).collect();
    parts.into_iter().reduce(|all, next| quote! { isa.or(#all, #next) }).expect("a window")
}

/// `pshufb` leaves a zero where bit 7 of the index is set.
const ABSENT: u8 = 0x80;

fn shuffle_index(from: &[Option<usize>]) -> Vec<u8> {
    from.iter().map(|at| at.map_or(ABSENT, |at| at as u8)).collect()
}

fn shuffle(bytes: &[Option<usize>], span: usize, constants: &mut Constants) -> TokenStream {
    let windows = windows(bytes, 16, span);
    if windows.len() > 2 {
        return scattered(bytes, span);
    }
    let part = |(start, from): (usize, Vec<Option<usize>>)| {
        let at = constants.bytes(shuffle_index(&from));
        let start = Literal::usize_unsuffixed(start);
        quote! { isa.s_shuffle(isa.s_load(span, #start), #at) }
    };
    let parts: Vec<_> = windows.into_iter().map(part).collect();
    parts.into_iter().reduce(|all, next| quote! { isa.s_or(#all, #next) }).expect("a window")
}

/// Bytes far apart, such as one a block: collected one by one, or by wide permutes.
fn scattered(bytes: &[Option<usize>], span: usize) -> TokenStream {
    let live: Vec<usize> = bytes.iter().map_while(|byte| *byte).collect();
    let places = live.iter().map(|place| Literal::usize_unsuffixed(*place));
    let [count, span] = [live.len(), span].map(Literal::usize_unsuffixed);
    quote! { isa.s_bytes(span, const {
        &::kernels::isa::Spots::new::<#count, 1>([#(#places),*], #span)
    }) }
}

/// Each half of the register reads windows of its own; the n-th of both are one shuffle.
fn shuffle_halves(
    low: &[Option<usize>],
    high: &[Option<usize>],
    span: usize,
    constants: &mut Constants,
) -> TokenStream {
    let [mut low, mut high] = [low, high].map(|half| windows(half, 16, span));
    let count = low.len().max(high.len());
    low.resize(count, (0, vec![None; 16]));
    high.resize(count, (0, vec![None; 16]));
    let part = |((a, from_a), (b, from_b)): ((usize, Vec<_>), (usize, Vec<_>))| {
        let at = constants.bytes([shuffle_index(&from_a), shuffle_index(&from_b)].concat());
        let [a, b] = [a, b].map(Literal::usize_unsuffixed);
        quote! { isa.shuffle(isa.load_halves(span, #a, #b), #at) }
    };
    let parts: Vec<_> = low.into_iter().zip(high).map(part).collect();
    parts.into_iter().reduce(|all, next| quote! { isa.or(#all, #next) }).expect("a window")
}
