//! The vector decode: codes register by register, scales and biases as one vector a span.

use super::super::body::Body;
use super::super::chains::{Chain, chains, order};
use super::super::lower::{Register, lower, lower_index};
use super::super::model::{Bit, Format, Kind, Numbers, made};
use super::super::recipe::{Recipe, UNITS};
use super::super::tree::{Op, Tree};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// How raw codes become unsigned bytes: `level + center = byte + center'`.
pub(super) struct Code {
    /// The largest byte.
    pub(super) max: u32,
    /// The bias in units of the scale, if the format has no other.
    pub(super) center: Option<i32>,
    /// The same as a factor, for formats with an extra term.
    offset: f64,
    /// The bytes that raw codes stand for, where a table says so.
    table: Option<Vec<u8>>,
    /// The bit that turns two's complement into excess code.
    flip: u8,
}

impl Code {
    pub(super) fn of(format: &Format) -> Self {
        let equation = &format.equation;
        let codes = format.codes();
        let table = equation.code.table.map(|table| &format.tables[table].levels);
        let lowest = match table {
            Some(levels) => *levels.iter().min().expect("a table has levels"),
            None if codes.signed => -(1 << (codes.width - 1)),
            None => 0,
        };
        let max = match table {
            Some(levels) => (levels.iter().max().expect("a table has levels") - lowest) as u32,
            None => (1 << codes.width) - 1,
        };
        let offset = equation.center + lowest as f64;
        let alone = equation.extra.is_none() && offset.fract() == 0.0 && offset.abs() < 4096.0;
        Self {
            max,
            center: alone.then_some(offset as i32),
            offset,
            table: table.map(|levels| levels.iter().map(|level| (level - lowest) as u8).collect()),
            flip: if codes.signed { 1 << (codes.width - 1) } else { 0 },
        }
    }

    /// A register of codes as unsigned bytes, from the source bits of each.
    pub(super) fn lower(
        &self,
        lanes: &[Vec<Bit>],
        register: Register,
        span: usize,
        body: &mut Body,
    ) -> TokenStream {
        match &self.table {
            Some(table) => {
                let value = lower_index(lanes, register, span, body);
                lookup(value, table, register, body)
            }
            None => flipped(lower(lanes, register, span, body), self.flip, register),
        }
    }
}

/// `Coded::codes`: each register of the span to `each`, in order of the weights.
pub(super) fn codes(format: &Format, recipe: Recipe, code: &Code) -> TokenStream {
    let mut body = Body::default();
    let [wide, narrow] = [Register::Wide, Register::Narrow].map(|register| {
        for n in 0..recipe.blocks * format.block() / register.lanes() {
            let weights = n * register.lanes()..(n + 1) * register.lanes();
            let lanes: Vec<Vec<Bit>> =
                weights.map(|weight| in_span(format, format.codes(), weight)).collect();
            let value = code.lower(&lanes, register, recipe.blocks * format.bytes, &mut body);
            let n = Literal::usize_unsuffixed(n);
            body.statement(quote! { each(#n, #value); });
        }
        body.take_statements()
    });
    let constants = body.constants();
    quote! {
        #[inline(always)]
        fn codes<I: Isa>(isa: I, span: &Self::Span, mut each: impl FnMut(usize, I::Bytes)) {
            #constants
            if const { I::LANES == 64 } { #wide } else { #narrow }
        }
    }
}

/// `Coded::links` and its orders, where registers can be chained.
pub(super) fn links(format: &Format, recipe: Recipe, code: &Code) -> TokenStream {
    let numbers: Vec<Vec<Bit>> = (0..recipe.blocks * format.block())
        .map(|weight| in_span(format, format.codes(), weight))
        .collect();
    let mut body = Body::of(&numbers);
    let [wide, narrow] = [Register::Wide, Register::Narrow]
        .map(|register| chains(&numbers, recipe.unit, register.lanes()));
    let mut hand_out = |chains: &Option<Vec<Chain>>, register: Register| {
        let Some(chains) = chains else {
            return quote! { format::links_in_order::<I, Self>(isa, span, each) };
        };
        let mut n = 0;
        for Chain { first, step, per, registers } in chains {
            let every = (*step != 1).then(|| {
                let step = Literal::usize_unsuffixed(*step);
                quote! { .every(#step) }
            });
            for (link, weights) in registers.iter().enumerate() {
                let lanes: Vec<Vec<Bit>> =
                    weights.iter().map(|weight| numbers[*weight].clone()).collect();
                let value = code.lower(&lanes, register, recipe.blocks * format.bytes, &mut body);
                let place = match link {
                    0 => made("first"),
                    _ if link + 1 == registers.len() => made("last"),
                    _ => made("inner"),
                };
                let facts = [n, *first, *per].map(Literal::usize_unsuffixed);
                body.statement(quote! { each(Link::#place(#(#facts),*) #every, #value); });
                n += 1;
            }
        }
        body.take_statements()
    };
    if wide.is_none() && narrow.is_none() {
        return quote! {};
    }
    let (wide_code, narrow_code) =
        (hand_out(&wide, Register::Wide), hand_out(&narrow, Register::Narrow));
    let constants = body.constants();
    let orders = [("ORDER_WIDE", &wide), ("ORDER_NARROW", &narrow)].map(|(name, chains)| {
        let name = made(name);
        chains.as_ref().map(|chains| {
            let (run, runs) = order(chains);
            let run = Literal::usize_unsuffixed(run);
            let runs = runs.into_iter().map(Literal::u16_unsuffixed);
            quote! { const #name: Option<Order> = Some(Order { run: #run, runs: &[#(#runs),*] }); }
        })
    });
    quote! {
        #(#orders)*
        #[inline(always)]
        fn links<I: Isa>(isa: I, span: &Self::Span, mut each: impl FnMut(Link, I::Bytes)) {
            #constants
            if const { I::LANES == 64 } { #wide_code } else { #narrow_code }
        }
    }
}

/// The source bits of number `n` of a span: those of its block, moved to the block's place.
pub(super) fn in_span(format: &Format, numbers: &Numbers, n: usize) -> Vec<Bit> {
    let (block, n) = (n / numbers.bits.len(), n % numbers.bits.len());
    numbers.bits[n].iter().map(|bit| bit.map(|bit| bit + 8 * block * format.bytes)).collect()
}

/// Looks up bytes in a table of levels for every raw code, whatever lies above the codes' bits.
fn lookup(value: TokenStream, table: &[u8], register: Register, body: &mut Body) -> TokenStream {
    let levels = table.iter().copied().cycle().take(16).collect();
    let (lookup, levels) = (register.op("lookup"), body.bytes(levels));
    quote! { isa.#lookup(#value, #levels) }
}

fn flipped(value: TokenStream, flip: u8, register: Register) -> TokenStream {
    if flip == 0 {
        return value;
    }
    let (xor, splat) = (register.op("xor"), register.op("splat_u8"));
    let flip = Literal::u8_unsuffixed(flip);
    quote! { isa.#xor(#value, isa.#splat(#flip)) }
}

/// `Coded::scales`: the scale of each unit of the span.
pub(super) fn scales(format: &Format, recipe: Recipe) -> TokenStream {
    groups(format, recipe, "scales", &format.equation.scale)
}

/// `Coded::biases`, unless the center says it all.
pub(super) fn biases(format: &Format, recipe: Recipe, code: &Code) -> TokenStream {
    if code.center.is_some() {
        return quote! {};
    }
    let scale = Tree::Binary(
        Op::Mul,
        Box::new(format.equation.scale.clone()),
        Box::new(Tree::Literal(code.offset)),
    );
    let bias = match (&format.equation.extra, code.offset == 0.0) {
        (Some(extra), true) => extra.clone(),
        (Some(extra), false) => Tree::Binary(Op::Add, Box::new(scale), Box::new(extra.clone())),
        (None, _) => scale,
    };
    groups(format, recipe, "biases", &bias)
}

fn groups(format: &Format, recipe: Recipe, name: &str, tree: &Tree) -> TokenStream {
    let name = made(name);
    let mut writer = Groups { format, recipe, body: Body::default() };
    let value = writer.tokens(tree);
    let (constants, statements) = (writer.body.constants(), writer.body.take_statements());
    quote! {
        #[inline(always)]
        fn #name<I: Isa>(isa: I, span: &Self::Span) -> I::Groups {
            #constants
            #statements
            #value
        }
    }
}

/// Writes trees as arithmetic on vectors with a lane per unit.
struct Groups<'a> {
    format: &'a Format,
    recipe: Recipe,
    body: Body,
}

impl Groups<'_> {
    fn tokens(&mut self, tree: &Tree) -> TokenStream {
        match tree {
            Tree::Literal(value) => {
                let value = Literal::f32_unsuffixed(*value as f32);
                quote! { isa.g_splat(#value) }
            }
            Tree::Binary(op, left, right) => {
                let (left, right) = (self.tokens(left), self.tokens(right));
                match op {
                    Op::Add => quote! { isa.g_add(#left, #right) },
                    Op::Sub => quote! { isa.g_sub(#left, #right) },
                    Op::Mul => quote! { isa.g_mul(#left, #right) },
                }
            }
            Tree::Float { field, group } => self.float(*field, *group),
            Tree::Integer { numbers, group, table } => self.integer(*numbers, *group, *table),
        }
    }

    /// The unit's place among elements that stand for `group` weights each.
    fn element(&self, unit: usize, group: usize) -> usize {
        unit * self.recipe.unit / group
    }

    fn units(&self) -> usize {
        self.recipe.blocks * self.format.block() / self.recipe.unit
    }

    fn float(&mut self, field: usize, group: Option<usize>) -> TokenStream {
        let stored = &self.format.fields[field];
        let group = group.unwrap_or(self.format.block());
        let a_block = self.format.block() / group;
        let at = |unit: usize| {
            let element = self.element(unit, group);
            let (block, element) = (element / a_block, element % a_block);
            block * self.format.bytes + stored.offset + element * stored.kind.bytes()
        };
        let places: Vec<usize> = (0..self.units()).map(at).collect();
        let alike = places.iter().all(|place| *place == places[0]);
        match stored.kind {
            Kind::E8m0 | Kind::Ue4m3 => {
                let lanes: Vec<Vec<Bit>> = places
                    .iter()
                    .map(|place| (8 * place..8 * place + 8).map(Some).collect())
                    .collect();
                let bytes = self.small(&lanes);
                match stored.kind {
                    Kind::E8m0 => quote! { isa.g_e8m0(#bytes) },
                    _ => quote! { isa.g_ue4m3(#bytes) },
                }
            }
            Kind::F16 if !alike => {
                let span = self.recipe.blocks * self.format.bytes;
                let spots = self.body.spots(places, 2, span);
                quote! { isa.g_f16(span, #spots) }
            }
            kind => {
                let decode = super::scalar::decoder(kind);
                let element = |place: usize| {
                    let bytes = (place..place + kind.bytes()).map(Literal::usize_unsuffixed);
                    quote! { #decode([#(span[#bytes]),*]) }
                };
                if alike {
                    if kind == Kind::F16 {
                        let place = Literal::usize_unsuffixed(places[0]);
                        return quote! { isa.g_f16_splat(span, #place) };
                    }
                    let value = element(places[0]);
                    return quote! { isa.g_splat(#value) };
                }
                let values = (0..UNITS).map(|unit| element(places[unit.min(places.len() - 1)]));
                quote! { isa.g_load(&[#(#values),*], 0) }
            }
        }
    }

    fn integer(&mut self, numbers: usize, group: usize, table: Option<usize>) -> TokenStream {
        let numbers = &self.format.numbers[numbers];
        let lanes: Vec<Vec<Bit>> = (0..self.units())
            .map(|unit| in_span(self.format, numbers, self.element(unit, group)))
            .collect();
        let value = self.small(&lanes);
        let (value, lowest) = match table {
            Some(table) => {
                let levels = &self.format.tables[table].levels;
                let lowest = *levels.iter().min().expect("a table has levels");
                let table: Vec<u8> = levels.iter().map(|level| (level - lowest) as u8).collect();
                (lookup(value, &table, Register::Small, &mut self.body), lowest as f32)
            }
            None if numbers.signed => {
                let flip = 1u8 << (numbers.width - 1);
                (flipped(value, flip, Register::Small), -f32::from(flip))
            }
            None => (value, 0.0),
        };
        if lowest == 0.0 {
            return quote! { isa.g_u8(#value) };
        }
        let lowest = Literal::f32_unsuffixed(lowest);
        quote! { isa.g_add(isa.g_u8(#value), isa.g_splat(#lowest)) }
    }

    fn small(&mut self, lanes: &[Vec<Bit>]) -> TokenStream {
        let span = self.recipe.blocks * self.format.bytes;
        lower(lanes, Register::Small, span, &mut self.body)
    }
}
