//! The function being written: its constants, each once, and its statements in order.
//!
//! A value that more than one step works on gets a name, so that generated code reads as short
//! lines: `let from = isa.load(span, 2);`, then `isa.and(from, isa.splat_u8(15))`.

use super::model::Bit;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

/// Constants and statements so far.
#[derive(Default)]
pub(crate) struct Body {
    bytes: Vec<Vec<u8>>,
    shifts: Vec<Vec<i8>>,
    fields: Vec<[(i8, u8); 8]>,
    spots: Vec<Spots>,
    statements: Vec<TokenStream>,
    named: usize,
    /// By bit of the numbers, the first byte that any of them takes it from.
    starts: Vec<usize>,
    /// Of a function on turned runs: where each starts, and whether it has a name already.
    runs: Option<Vec<(usize, bool)>>,
    /// The names that runs were given since they were last taken.
    turned: Vec<TokenStream>,
}

/// Elements of `bytes` bytes, scattered over a span of `span` bytes.
#[derive(PartialEq)]
struct Spots {
    places: Vec<usize>,
    bytes: usize,
    span: usize,
}

impl Body {
    /// A function that hands out all of `numbers`, so that windows can be the same for all.
    pub(crate) fn of(numbers: &[Vec<Bit>]) -> Self {
        let width = numbers.iter().map(Vec::len).max().unwrap_or(0);
        let first = |bit: usize| numbers.iter().filter_map(|number| *number.get(bit)?).min();
        let starts = (0..width).map(|bit| first(bit).unwrap_or(0) / 8).collect();
        Self { starts, ..Self::default() }
    }

    /// A function on runs of bytes of several rows, turned: to it they are registers, one after the
    /// other, four of each run.
    pub(crate) fn turned(runs: &[usize]) -> Self {
        Self { runs: Some(runs.iter().map(|run| (*run, false)).collect()), ..Self::default() }
    }

    /// A place where a window of `size` bytes can start that holds byte `first`: of turned runs
    /// whole registers are read.
    pub(crate) fn window(&self, first: usize, size: usize) -> usize {
        if self.runs.is_some() { first / size * size } else { first }
    }

    /// `lanes` bytes of the span from `start` on. Of turned runs register `d` past the one of that
    /// place.
    pub(crate) fn load(&mut self, load: &Ident, start: usize, lanes: usize) -> TokenStream {
        let Some(runs) = &mut self.runs else {
            let start = Literal::usize_unsuffixed(start);
            return quote! { isa.#load(span, #start) };
        };
        let (run, dword) = (start / lanes / 4, start / lanes % 4);
        let (place, is_named) = &mut runs[run];
        let name = format_ident!("run{run}");
        if !std::mem::replace(is_named, true) {
            let place = Literal::usize_unsuffixed(*place);
            self.turned.push(quote! { let #name = isa.dwords(rows, at + #place); });
        }
        if dword == 0 {
            return quote! { #name[d] };
        }
        let dword = Literal::usize_unsuffixed(dword);
        quote! { #name[d + #dword] }
    }

    /// Takes the names of runs and the statements since the last time; names of runs stay known.
    pub(crate) fn take_turned(&mut self) -> (TokenStream, TokenStream) {
        self.named = 0;
        let turned = std::mem::take(&mut self.turned).into_iter().collect();
        (turned, std::mem::take(&mut self.statements).into_iter().collect())
    }

    /// Forgets the names of runs.
    pub(crate) fn forget_runs(&mut self) {
        self.runs.iter_mut().flatten().for_each(|(_, is_named)| *is_named = false);
    }

    /// The first byte from which any number takes a bit, as far as that is known.
    pub(crate) fn start(&self, bit: usize) -> Option<usize> {
        self.starts.get(bit).copied()
    }

    /// A constant array: the places that a permute reads, a table, masks.
    pub(crate) fn bytes(&mut self, value: Vec<u8>) -> Ident {
        format_ident!("AT{}", place_of(&mut self.bytes, value))
    }

    /// A shift of its own for each byte.
    pub(crate) fn shift(&mut self, value: Vec<i8>) -> Ident {
        format_ident!("BY{}", place_of(&mut self.shifts, value))
    }

    /// A field of the bytes of each qword: its shift and its bits.
    pub(crate) fn fields(&mut self, value: [(i8, u8); 8]) -> Ident {
        format_ident!("FIELDS{}", place_of(&mut self.fields, value))
    }

    /// Where elements of `bytes` bytes lie in a span of `span` bytes; the places ascend.
    pub(crate) fn spots(&mut self, places: Vec<usize>, bytes: usize, span: usize) -> Ident {
        format_ident!("SPOTS{}", place_of(&mut self.spots, Spots { places, bytes, span }))
    }

    /// A name for a value that is used up at once.
    pub(crate) fn from(&mut self, value: &TokenStream) -> Ident {
        let name = format_ident!("from");
        self.statement(quote! { let #name = #value; });
        name
    }

    /// A name for a value that lives on.
    pub(crate) fn part(&mut self, value: &TokenStream) -> Ident {
        let name = format_ident!("part{}", self.named);
        self.named += 1;
        self.statement(quote! { let #name = #value; });
        name
    }

    /// Adds a statement.
    pub(crate) fn statement(&mut self, statement: TokenStream) {
        self.statements.push(statement);
    }

    /// Takes the statements so far, and their names with them: the next ones start afresh.
    pub(crate) fn take_statements(&mut self) -> TokenStream {
        self.named = 0;
        std::mem::take(&mut self.statements).into_iter().collect()
    }

    /// The declarations of the constants, to stand before the code that uses them.
    pub(crate) fn constants(&self) -> TokenStream {
        let bytes = self.bytes.iter().enumerate().map(|(n, value)| {
            let (name, len) = (format_ident!("AT{n}"), Literal::usize_unsuffixed(value.len()));
            let value = value.iter().map(|byte| Literal::u8_unsuffixed(*byte));
            quote! { const #name: &[u8; #len] = &[#(#value),*]; }
        });
        let shifts = self.shifts.iter().enumerate().map(|(n, counts)| {
            let name = format_ident!("BY{n}");
            let counts = counts.iter().map(|count| Literal::i8_unsuffixed(*count));
            quote! { const #name: &Shift = &Shift::new(&[#(#counts),*]); }
        });
        let fields = self.fields.iter().enumerate().map(|(n, fields)| {
            let name = format_ident!("FIELDS{n}");
            let fields = fields.iter().map(|(count, mask)| {
                let (count, mask) = (Literal::i8_unsuffixed(*count), Literal::u8_unsuffixed(*mask));
                quote! { (#count, #mask) }
            });
            quote! { const #name: &Fields = &Fields::new([#(#fields),*]); }
        });
        let spots = self.spots.iter().enumerate().map(|(n, Spots { places, bytes, span })| {
            let name = format_ident!("SPOTS{n}");
            let [count, bytes, span] = [places.len(), *bytes, *span].map(Literal::usize_unsuffixed);
            let places = places.iter().map(|place| Literal::usize_unsuffixed(*place));
            quote! { const #name: &Spots = &Spots::new::<#count, #bytes>([#(#places),*], #span); }
        });
        quote! { #(#bytes)* #(#shifts)* #(#fields)* #(#spots)* }
    }
}

fn place_of<T: PartialEq>(all: &mut Vec<T>, value: T) -> usize {
    all.iter().position(|known| *known == value).unwrap_or_else(|| {
        all.push(value);
        all.len() - 1
    })
}
