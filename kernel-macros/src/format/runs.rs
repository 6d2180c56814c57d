//! Bit lists to runs: the compact form in which a format's numbers stand in the program.

use super::model::{Bit, Numbers};
use proc_macro2::TokenStream;
use quote::quote;

/// A part of a number: `width` bits at `shift` of `byte`, which become bits `to..` of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) to: usize,
    pub(crate) width: usize,
    pub(crate) byte: usize,
    pub(crate) shift: usize,
}

/// The pieces of one number, each of consecutive bits in one byte.
pub(crate) fn pieces(bits: &[Bit]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = vec![];
    for (to, bit) in bits.iter().enumerate() {
        let Some(bit) = bit else { continue };
        match pieces.last_mut() {
            Some(last)
                if last.to + last.width == to
                    && 8 * last.byte + last.shift + last.width == *bit
                    && bit % 8 != 0 =>
            {
                last.width += 1;
            }
            _ => pieces.push(Piece { to, width: 1, byte: bit / 8, shift: bit % 8 }),
        }
    }
    pieces
}

/// `count` numbers from `first`: their piece at `piece`, then at steps of bytes and bits.
struct Run {
    first: usize,
    count: usize,
    piece: Piece,
    byte_step: isize,
    shift_step: isize,
}

/// `Numbers` as the expression that the program keeps.
pub(crate) fn tokens(numbers: &Numbers) -> TokenStream {
    let (name, signed) = (numbers.name.to_string(), numbers.signed);
    let [len, width] =
        [numbers.bits.len(), numbers.width].map(proc_macro2::Literal::usize_unsuffixed);
    let runs = runs(numbers).into_iter().map(|run| {
        let Run { first, count, piece, byte_step, shift_step } = run;
        let Piece { to, width, byte, shift } = piece;
        let [first, end, byte] =
            [first, first + count, byte].map(proc_macro2::Literal::usize_unsuffixed);
        let [to, width, shift] = [to, width, shift].map(proc_macro2::Literal::usize_unsuffixed);
        let [byte_step, shift_step] =
            [byte_step, shift_step].map(proc_macro2::Literal::isize_unsuffixed);
        quote! { layout::Run::new(
            #first..#end, #to, #width, (#byte, #byte_step), (#shift, #shift_step)
        ) }
    });
    quote! { layout::Numbers {
        name: #name, len: #len, width: #width, signed: #signed, runs: &[#(#runs),*],
    } }
}

fn runs(numbers: &Numbers) -> Vec<Run> {
    let all: Vec<Vec<Piece>> = numbers.bits.iter().map(|bits| pieces(bits)).collect();
    let most = all.iter().map(Vec::len).max().unwrap_or(0);
    let mut runs: Vec<Run> = vec![];
    for nth in 0..most {
        let mut open: Option<Run> = None;
        for (n, pieces) in all.iter().enumerate() {
            let Some(piece) = pieces.get(nth).copied() else {
                runs.extend(open.take());
                continue;
            };
            if let Some(run) = &mut open
                && extend(run, piece)
            {
                continue;
            }
            runs.extend(open.replace(Run {
                first: n,
                count: 1,
                piece,
                byte_step: 0,
                shift_step: 0,
            }));
        }
        runs.extend(open);
    }
    runs
}

/// Adds `piece` to `run` if it lies where the run's steps lead; the second piece sets them.
fn extend(run: &mut Run, piece: Piece) -> bool {
    if (piece.to, piece.width) != (run.piece.to, run.piece.width) {
        return false;
    }
    let bytes = piece.byte as isize - run.piece.byte as isize;
    let shifts = piece.shift as isize - run.piece.shift as isize;
    if run.count == 1 {
        (run.byte_step, run.shift_step) = (bytes, shifts);
    }
    let n = run.count as isize;
    let fits = (bytes, shifts) == (n * run.byte_step, n * run.shift_step);
    run.count += usize::from(fits);
    fits
}
