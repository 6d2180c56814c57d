//! The decode of panels: several rows at once, lanes along them.
//!
//! A panel's registers hold four neighbouring codes of each row. Where those lie in the file, all
//! rows have them at the same place, so 16 bytes of every row are turned first, into four registers
//! with a dword of each row, and then decoded: of 4-bit codes that is half of what would have to be
//! turned after decoding. To the lowering a turned register is a stretch of bytes like any other.

use super::super::body::Body;
use super::super::lower::Register;
use super::super::model::{Bit, Format};
use super::super::recipe::{Recipe, gcd};
use super::vector::{Code, in_span};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// Bytes of a row that are turned at once.
const RUN: usize = 16;
/// Codes of a row in a register: a dword.
const DWORD: usize = 4;

/// `Coded::columns`, and what it takes.
pub(super) fn columns(format: &Format, recipe: Recipe, code: &Code) -> TokenStream {
    // Whole blocks, and whole dwords of codes. They divide a span, which is whole registers.
    let blocks = DWORD / gcd(format.block(), DWORD);
    debug_assert!(recipe.blocks.is_multiple_of(blocks));
    let numbers: Vec<Vec<Bit>> = (0..blocks * format.block())
        .map(|weight| in_span(format, format.codes(), weight))
        .collect();
    let runs = runs(&numbers, blocks * format.bytes);
    let mut body = Body::turned(&runs);
    let [wide, narrow] = [Register::Wide, Register::Narrow].map(|register| {
        let size = runs.len() * RUN / DWORD * register.lanes();
        let mut decode = quote! {};
        for Dwords { first, count } in in_order(&numbers, &runs) {
            let lanes = lanes(&numbers[DWORD * first..DWORD * (first + 1)], &runs, register);
            let value = code.lower(&lanes, register, size, &mut body);
            let (turned, statements) = body.take_turned();
            let [first, count] = [first, count].map(Literal::usize_unsuffixed);
            decode.extend(quote! {
                #turned
                for d in 0..#count {
                    #statements
                    each(#first + d, #value);
                }
            });
        }
        body.forget_runs();
        decode
    });
    let constants = body.constants();
    let reach = runs.iter().map(|run| run + RUN).max().unwrap_or(0);
    let [stretch, reach] = [numbers.len(), reach].map(Literal::usize_unsuffixed);
    quote! {
        const STRETCH: usize = #stretch;
        const REACH: usize = #reach;
        #[inline(always)]
        fn columns<I: Isa>(
            isa: I, rows: &Rows<'_>, at: usize, mut each: impl FnMut(usize, I::Bytes)
        ) {
            #constants
            if const { I::LANES == 64 } { #wide } else { #narrow }
        }
    }
}

/// Dwords of numbers that lie in turned registers next to each other, at the same place in each.
struct Dwords {
    first: usize,
    count: usize,
}

/// All dwords of numbers, those from the same runs one after the other: a run is turned once, and
/// should not wait long for its last use.
fn in_order(numbers: &[Vec<Bit>], runs: &[usize]) -> Vec<Dwords> {
    let register = 8 * Register::Small.lanes();
    let places: Vec<Vec<Bit>> =
        numbers.chunks(DWORD).map(|dword| lanes(dword, runs, Register::Small).concat()).collect();
    let is_next = |(place, next): (&Bit, &Bit)| match (place, next) {
        (Some(place), Some(next)) => {
            *next == place + register && !(next / register).is_multiple_of(RUN / DWORD)
        }
        _ => place == next,
    };
    let mut all: Vec<Dwords> = vec![];
    for (n, place) in places.iter().enumerate() {
        match all.last_mut() {
            Some(last) if places[n - 1].iter().zip(place).all(is_next) => last.count += 1,
            _ => all.push(Dwords { first: n, count: 1 }),
        }
    }
    let runs_of = |dwords: &Dwords| {
        let run = |place: &usize| place / register / (RUN / DWORD);
        let mut runs: Vec<usize> = places[dwords.first].iter().flatten().map(run).collect();
        runs.sort_unstable_by(|a, b| b.cmp(a));
        runs.dedup();
        runs
    };
    all.sort_by_cached_key(runs_of);
    all
}

/// The run that holds a byte.
fn run_of(byte: usize, runs: &[usize]) -> usize {
    runs.iter().rposition(|run| *run <= byte).expect("runs hold every byte")
}

/// Where runs start that hold every bit of the numbers, within `size` bytes as far as they are as
/// long as a run.
fn runs(numbers: &[Vec<Bit>], size: usize) -> Vec<usize> {
    let mut bytes: Vec<usize> = numbers.iter().flatten().flatten().map(|bit| bit / 8).collect();
    bytes.sort_unstable();
    let mut runs: Vec<usize> = vec![];
    for byte in bytes {
        if runs.last().is_none_or(|run| byte >= run + RUN) {
            // Back by dwords where the end is near: numbers of a dword stay in one.
            let beyond = (byte + RUN).saturating_sub(size).next_multiple_of(DWORD);
            runs.push(if beyond < RUN { byte.checked_sub(beyond).unwrap_or(byte) } else { byte });
        }
    }
    runs
}

/// The source bits of a register of the numbers `weights` of each row, in turned runs.
fn lanes(weights: &[Vec<Bit>], runs: &[usize], register: Register) -> Vec<Vec<Bit>> {
    let turned = |bit: usize, row: usize| {
        let byte = bit / 8;
        let run = run_of(byte, runs);
        let (dword, in_dword) = ((byte - runs[run]) / DWORD, (byte - runs[run]) % DWORD);
        let place = (run * RUN / DWORD + dword) * register.lanes() + row * DWORD + in_dword;
        8 * place + bit % 8
    };
    let of_row = |row: usize| {
        let number =
            move |bits: &Vec<Bit>| bits.iter().map(|bit| bit.map(|bit| turned(bit, row))).collect();
        weights.iter().map(number)
    };
    (0..register.lanes() / DWORD).flat_map(of_row).collect()
}
