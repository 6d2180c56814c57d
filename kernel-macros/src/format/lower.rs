//! Source bits to vector steps.
//!
//! A register holds one number a lane, a byte wide. The numbers' bits are cut into segments that
//! lie within one byte in every lane; each segment becomes *gather, shift, mask*, and the
//! segments are joined by `or`. Numbers are cut at the same bits in all lanes, so that one mask
//! does for all; where numbers straddle bytes at ever other places, as in a stream, that would be
//! a segment for each bit, and every lane is cut by itself.
//!
//! Gather and shift look for the cheap idiom first:
//!
//! | lanes read | gather | | lanes shift | shift |
//! |---|---|---|---|---|
//! | consecutive bytes | `load` | | all alike | `shr`, `shl` |
//! | two runs of consecutive bytes | `load_halves` | | alike in each dword, right | `shift_dwords` |
//! | anything else | `shuffle`, `permute` | | one bit, 32 lanes | `test_bits` |
//! | | | | anything else | `shift_bytes` |
//!
//! so that any index map has a translation. In wide registers shift and mask are one step, `fields`,
//! where they are alike in each qword.

use super::body::Body;
use super::model::Bit;
use super::runs::{self, Piece};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, format_ident, quote};

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

/// A part of the numbers in all lanes, within one byte in each.
struct Segment {
    /// Where each lane finds its part; `None` for a lane that has none here.
    pieces: Vec<Option<Piece>>,
    /// Lanes that hold a number. Those of them without a piece are zero here, the lanes behind
    /// them may be anything.
    numbers: usize,
}

/// An expression for the register whose lane `n` holds the number made of `lanes[n]`.
///
/// Missing lanes may hold anything. `span` is the number of bytes that may be read.
pub(crate) fn lower(
    lanes: &[Vec<Bit>],
    register: Register,
    span: usize,
    body: &mut Body,
) -> TokenStream {
    let segments = segments(lanes, register.lanes());
    joined(&segments, register, span, body)
}

/// The same for numbers that a table is looked up with: the bits above a number may be anything
/// where that saves a mask.
pub(crate) fn lower_index(
    lanes: &[Vec<Bit>],
    register: Register,
    span: usize,
    body: &mut Body,
) -> TokenStream {
    let segments = segments(lanes, register.lanes());
    match &segments[..] {
        [only] if only.pieces.iter().flatten().all(|piece| piece.to == 0) => {
            unmasked(only, register, span, body).0
        }
        _ => joined(&segments, register, span, body),
    }
}

fn joined(segments: &[Segment], register: Register, span: usize, body: &mut Body) -> TokenStream {
    if let [only] = segments {
        return step(only, register, span, body);
    }
    let or = register.op("or");
    let part = |segment: &Segment| {
        let value = step(segment, register, span, body);
        body.part(&value).into_token_stream()
    };
    let parts: Vec<TokenStream> = segments.iter().map(part).collect();
    let joined = parts.into_iter().reduce(|all, next| quote! { isa.#or(#all, #next) });
    joined.expect("a number has bits")
}

/// Cuts the numbers where any lane's bits leave a byte or skip bits, or each lane by itself if
/// that makes fewer segments.
fn segments(lanes: &[Vec<Bit>], count: usize) -> Vec<Segment> {
    let pieces: Vec<Vec<Piece>> = lanes.iter().map(|bits| runs::pieces(bits)).collect();
    let segment = |piece: &dyn Fn(usize) -> Option<Piece>| Segment {
        pieces: (0..count).map(piece).collect(),
        numbers: lanes.len(),
    };
    let mut cuts: Vec<usize> =
        pieces.iter().flatten().flat_map(|piece| [piece.to, piece.to + piece.width]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let within = |cut: &[usize]| {
        let (to, width) = (cut[0], cut[1] - cut[0]);
        segment(&|lane| {
            let bit = (*lanes.get(lane)?.get(to)?)?;
            Some(Piece { to, width, byte: bit / 8, shift: bit % 8 })
        })
    };
    let is_read = |segment: &Segment| segment.pieces.iter().any(Option::is_some);
    let together: Vec<Segment> = cuts.windows(2).map(within).filter(is_read).collect();
    let most = pieces.iter().map(Vec::len).max().unwrap_or(0);
    if together.len() <= most {
        return together;
    }
    (0..most).map(|nth| segment(&|lane| pieces.get(lane)?.get(nth).copied())).collect()
}

impl Segment {
    /// Shift and bits by qword, if they are alike in each and nothing simpler does.
    fn fields(&self) -> Option<[(i8, u8); 8]> {
        let mut fields = [(0, 0); 8];
        let pieces = self.pieces[..self.numbers].chunks(8);
        for (field, pieces) in fields.iter_mut().zip(pieces) {
            let of = |piece: &Option<Piece>| Some(piece.as_ref().map(|p| (net(p), mask(p))));
            *field = uniform(&pieces.iter().map(of).collect::<Vec<_>>())?.unwrap_or((0, 0));
        }
        fields.iter().any(|(count, _)| *count != 0).then_some(fields)
    }
}

/// Right by the shift in the byte, left to the place in the number: one net shift.
fn net(piece: &Piece) -> i8 {
    piece.shift as i8 - piece.to as i8
}

/// The bits of a number that a piece is.
fn mask(piece: &Piece) -> u8 {
    (((1u16 << piece.width) - 1) << piece.to) as u8
}

fn step(segment: &Segment, register: Register, span: usize, body: &mut Body) -> TokenStream {
    if register == Register::Wide
        && let Some(fields) = segment.fields()
    {
        let gathered = gathered(segment, register, span, body);
        let fields = body.fields(fields);
        return quote! { isa.fields(#gathered, #fields) };
    }
    let (value, masks) = unmasked(segment, register, span, body);
    let (and, splat, load) = (register.op("and"), register.op("splat_u8"), register.op("load"));
    match (uniform(&masks), masks.is_empty()) {
        (_, true) => value,
        (Some(mask), _) => {
            let mask = Literal::u8_unsuffixed(mask);
            quote! { isa.#and(#value, isa.#splat(#mask)) }
        }
        (None, _) => {
            let masks = body.bytes(masks.iter().map(|mask| mask.unwrap_or(0)).collect());
            quote! { isa.#and(#value, isa.#load(#masks, 0)) }
        }
    }
}

/// The bytes that each lane's part lies in.
fn gathered(segment: &Segment, register: Register, span: usize, body: &mut Body) -> TokenStream {
    let pieces = &segment.pieces;
    let bytes: Vec<Option<usize>> = pieces.iter().map(|piece| Some((*piece)?.byte)).collect();
    let start = pieces.iter().flatten().next().and_then(|piece| body.start(piece.to));
    gather(&bytes, register, (span, start), body)
}

/// A segment in its place, and the bits of each lane that belong to it; none if that is all there
/// is in the lanes.
fn unmasked(
    segment: &Segment,
    register: Register,
    span: usize,
    body: &mut Body,
) -> (TokenStream, Vec<Option<u8>>) {
    let Segment { pieces, numbers } = segment;
    let net: Vec<Option<i8>> = pieces.iter().map(|piece| piece.as_ref().map(net)).collect();
    let mut masks: Vec<Option<u8>> =
        pieces.iter().map(|piece| Some(piece.as_ref().map_or(0, mask))).collect();
    masks[*numbers..].fill(None);
    let gathered = gathered(segment, register, span, body);
    if uniform(&masks) == Some(0xFF) {
        return (gathered, vec![]);
    }
    let gathered = body.from(&gathered);
    let bits = |piece: &Option<Piece>| Some(1u8 << (*piece)?.shift);
    let set = pieces.iter().map(|piece| piece.as_ref().map(mask)).collect::<Vec<_>>();
    if register == Register::Narrow
        && uniform(&net).is_none()
        && let Some(set) = uniform(&set)
        && set.is_power_of_two()
    {
        let tested = body.bytes(pieces.iter().map(|piece| bits(piece).unwrap_or(0)).collect());
        let set = Literal::u8_unsuffixed(set);
        return (quote! { isa.test_bits(#gathered, #tested, #set) }, vec![]);
    }
    (shift(gathered.into_token_stream(), &net, register, body), masks)
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
    body: &mut Body,
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
    // A lane without a source shifts along with its dword.
    let dwords: Option<Vec<i8>> = net.chunks(4).map(uniform).collect();
    match dwords {
        Some(counts) if register != Register::Small && counts.iter().all(|count| *count >= 0) => {
            let by = body.shift(counts.iter().flat_map(|count| [*count; 4]).collect());
            quote! { isa.shift_dwords(#value, #by) }
        }
        _ => {
            let by = body.shift(net.iter().map(|count| count.unwrap_or(0)).collect());
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

/// `start` is the first byte that any register reads for this segment, if that is known.
fn gather(
    bytes: &[Option<usize>],
    register: Register,
    (span, start): (usize, Option<usize>),
    body: &mut Body,
) -> TokenStream {
    let load = register.op("load");
    if let Some(start) = consecutive(bytes, span) {
        return body.load(&load, start, register.lanes());
    }
    let (low, high) = bytes.split_at(bytes.len() / 2);
    if register != Register::Small
        && let (Some(low), Some(high)) = (consecutive(low, span), consecutive(high, span))
    {
        let [low, high] = [low, high].map(Literal::usize_unsuffixed);
        return quote! { isa.load_halves(span, #low, #high) };
    }
    match register {
        Register::Wide => permute(bytes, (span, start), body),
        Register::Narrow => shuffle_halves(low, high, span, body),
        Register::Small => shuffle(bytes, span, body),
    }
}

/// Splits lanes by windows of `size` bytes: for each window its start, and for each lane the
/// place in it, or `None` if the lane reads another window.
fn windows(
    bytes: &[Option<usize>],
    (size, span): (usize, usize),
    body: &Body,
) -> Vec<(usize, Vec<Option<usize>>)> {
    let mut left: Vec<Option<usize>> = bytes.to_vec();
    let mut windows = vec![];
    while let Some(first) = left.iter().flatten().min().copied() {
        let start = body.window(first, size).min(span.saturating_sub(size));
        let take = |byte: &mut Option<usize>| byte.take_if(|byte| *byte < start + size);
        let taken = left.iter_mut().map(|byte| take(byte).map(|byte| byte - start)).collect();
        windows.push((start, taken));
    }
    windows
}

/// The same by windows that lie end to end from `start` on, so that registers share them; `None`
/// if that takes more.
fn cells(
    bytes: &[Option<usize>],
    start: usize,
    (size, span): (usize, usize),
    most: usize,
) -> Option<Vec<(usize, Vec<Option<usize>>)>> {
    let last = span.checked_sub(size)?;
    let cell = |byte: usize| Some(last.min(start + byte.checked_sub(start)? / size * size));
    let mut starts: Vec<usize> =
        bytes.iter().flatten().map(|byte| cell(*byte)).collect::<Option<_>>()?;
    starts.sort_unstable();
    starts.dedup();
    let place = |byte: &Option<usize>, from: usize| {
        byte.filter(|byte| cell(*byte) == Some(from)).map(|byte| byte - from)
    };
    let window = |from: usize| (from, bytes.iter().map(|byte| place(byte, from)).collect());
    (starts.len() <= most).then(|| starts.into_iter().map(window).collect())
}

/// Any byte of one or two windows of 64; more windows are joined.
fn permute(
    bytes: &[Option<usize>],
    (span, start): (usize, Option<usize>),
    body: &mut Body,
) -> TokenStream {
    const SIZE: usize = 64;
    let windows = windows(bytes, (SIZE, span), body);
    let shared = start.and_then(|start| cells(bytes, start, (SIZE, span), windows.len()));
    let windows = shared.unwrap_or(windows);
    let load = |start: usize, body: &mut Body| {
        if span < SIZE {
            quote! { isa.load_prefix(span) }
        } else {
            body.load(&format_ident!("load"), start, SIZE)
        }
    };
    if let [(a, from_a), (b, from_b)] = &windows[..] {
        let index =
            |(a, b): (&Option<usize>, &Option<usize>)| a.or(b.map(|b| b + SIZE)).unwrap_or(0) as u8;
        let at = body.bytes(from_a.iter().zip(from_b).map(index).collect());
        let (a, b) = (load(*a, body), load(*b, body));
        return quote! { isa.permute2(#a, #b, #at) };
    }
    let only = windows.len() == 1;
    let part = |(start, from): (usize, Vec<Option<usize>>)| {
        let at = body.bytes(from.iter().map(|at| at.unwrap_or(0) as u8).collect());
        let load = load(start, body);
        let moved = quote! { isa.permute(#load, #at) };
        if only {
            return moved;
        }
        let keep = from.iter().map(|at| if at.is_some() { 255 } else { 0 });
        let keep = body.bytes(keep.collect());
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

fn shuffle(bytes: &[Option<usize>], span: usize, body: &mut Body) -> TokenStream {
    let windows = windows(bytes, (16, span), body);
    if windows.len() > 2
        && let Some(spots) = scattered(bytes, span, body)
    {
        return spots;
    }
    let part = |(start, from): (usize, Vec<Option<usize>>)| {
        let at = body.bytes(shuffle_index(&from));
        let start = Literal::usize_unsuffixed(start);
        quote! { isa.s_shuffle(isa.s_load(span, #start), #at) }
    };
    let parts: Vec<_> = windows.into_iter().map(part).collect();
    parts.into_iter().reduce(|all, next| quote! { isa.s_or(#all, #next) }).expect("a window")
}

/// Bytes far apart, such as one a block: collected one by one, or by wide permutes. They must
/// ascend.
fn scattered(bytes: &[Option<usize>], span: usize, body: &mut Body) -> Option<TokenStream> {
    let last = bytes.iter().rposition(Option::is_some)?;
    let mut place = bytes.iter().flatten().next().copied()?;
    // Lanes without a source read what the lane before them reads.
    let places: Vec<usize> = bytes[..=last]
        .iter()
        .map(|byte| {
            place = byte.unwrap_or(place);
            place
        })
        .collect();
    if !places.is_sorted() {
        return None;
    }
    let spots = body.spots(places, 1, span);
    Some(quote! { isa.s_bytes(span, #spots) })
}

/// Each half of the register reads windows of its own; the n-th of both are one shuffle.
fn shuffle_halves(
    low: &[Option<usize>],
    high: &[Option<usize>],
    span: usize,
    body: &mut Body,
) -> TokenStream {
    let [mut low, mut high] = [low, high].map(|half| windows(half, (16, span), body));
    let count = low.len().max(high.len());
    low.resize(count, (0, vec![None; 16]));
    high.resize(count, (0, vec![None; 16]));
    let part = |((a, from_a), (b, from_b)): ((usize, Vec<_>), (usize, Vec<_>))| {
        let at = body.bytes([shuffle_index(&from_a), shuffle_index(&from_b)].concat());
        let halves = if b == a + 16 {
            body.load(&format_ident!("load"), a, Register::Narrow.lanes())
        } else {
            let [a, b] = [a, b].map(Literal::usize_unsuffixed);
            quote! { isa.load_halves(span, #a, #b) }
        };
        quote! { isa.shuffle(#halves, #at) }
    };
    let parts: Vec<_> = low.into_iter().zip(high).map(part).collect();
    parts.into_iter().reduce(|all, next| quote! { isa.or(#all, #next) }).expect("a window")
}
