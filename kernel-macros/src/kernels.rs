//! Formats x instruction sets x register tiles to entry points and table rows.
//!
//! A row's entry point is a function named after it (`q4_k_avx512vnni_gemv_1x2`), so that a
//! profiler's symbols name rows. It carries the features of its instruction set and does nothing
//! but call the generic loop, which is inlined into it.

use crate::isa::{ISAS, Row};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;

/// Register tiles of `gemv` in class `f32`, where an instruction set has more than one: weight rows
/// x activation columns.
const F32_TILES: &[(usize, usize)] = &[(1, 1), (1, 4)];
/// The same for dense weights, whose loop is nothing but reads: more rows are more streams, and share
/// the activations of several columns.
const DENSE_TILES: &[(usize, usize)] = &[(1, 1), (2, 1), (4, 1), (2, 2), (2, 4)];
/// The same where 32 registers hold the sums of twelve products, two for each.
const WIDE_DENSE_TILES: &[(usize, usize)] = &[(1, 1), (2, 1), (4, 1), (2, 2), (3, 4)];

/// What the loops can ask of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decodes {
    /// `impl Coded`: codes and scales for the class `q8`, and floats.
    Codes,
    /// `impl Format` alone.
    Floats,
    /// The same, and weights may be rounded to bfloat16: they have 16 bits.
    Bf16,
    /// The same, and weights are bfloat16.
    Pairs,
}

/// `kernels! { coded Q4_0, F16 }`: for each name the constant table of its kernels,
/// `Q4_0_KERNELS`, and their entry points.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let parser = Punctuated::<Named, syn::Token![,]>::parse_terminated;
    match parser.parse2(input) {
        Ok(formats) => formats.iter().map(|Named(name, decodes)| rows(name, *decodes)).collect(),
        Err(error) => error.into_compile_error(),
    }
}

/// `NAME`, `coded NAME`, `bf16 NAME` or `pairs NAME`.
struct Named(Ident, Decodes);

impl Parse for Named {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let first: Ident = input.parse()?;
        let is_alone = input.is_empty() || input.peek(syn::Token![,]);
        match first.to_string().as_str() {
            "coded" if !is_alone => Ok(Self(input.parse()?, Decodes::Codes)),
            "bf16" if !is_alone => Ok(Self(input.parse()?, Decodes::Bf16)),
            "pairs" if !is_alone => Ok(Self(input.parse()?, Decodes::Pairs)),
            _ => Ok(Self(first, Decodes::Floats)),
        }
    }
}

/// The name of a format's table of kernels.
pub(crate) fn table(format: &Ident) -> Ident {
    format_ident!("{format}_KERNELS")
}

/// The table of a format's kernels, with their entry points.
pub(crate) fn rows(format: &Ident, decodes: Decodes) -> TokenStream {
    rows_on(ISAS, format, decodes)
}

/// The same for some instruction sets.
pub(crate) fn rows_on(isas: &[Row], format: &Ident, decodes: Decodes) -> TokenStream {
    let mut writer = Writer { format, functions: vec![], rows: vec![] };
    for isa in isas {
        if decodes == Decodes::Codes {
            for (mr, nr) in isa.tiles {
                writer.gemv(isa, "q8", *mr, *nr);
            }
            writer.gemm_q8(isa);
        }
        let tiles = match (decodes, isa.lanes) {
            (Decodes::Codes, _) => F32_TILES,
            (_, 64) => WIDE_DENSE_TILES,
            _ => DENSE_TILES,
        };
        let only_one = isa.tiles.len() == 1;
        for (mr, nr) in tiles.iter().filter(|tile| !only_one || isa.tiles.contains(tile)) {
            writer.gemv(isa, "f32", *mr, *nr);
            if decodes == Decodes::Pairs {
                writer.gemv(isa, "bf16", *mr, *nr);
            }
        }
        writer.gemm_floats(isa, ("f32", "F32"));
        match decodes {
            Decodes::Floats => {}
            _ if isa.base.is_some() => writer.gemm_tiles(isa, decodes),
            Decodes::Bf16 | Decodes::Pairs if isa.bf16.is_some() => {
                writer.gemm_floats(isa, ("bf16", "Bf16"));
            }
            _ => {}
        }
    }
    let Writer { functions, rows, .. } = writer;
    let table = table(format);
    // What register tiles know of a format. It selects the compiled tile, so that formats share
    // them.
    let facts = (decodes == Decodes::Codes).then(|| {
        quote! {
            const STEPS: usize = <#format as ::kernels::Coded>::UNIT / 4;
            const CENTERED: bool = <#format as ::kernels::Coded>::CENTER.is_some();
            const ORDER_WIDE: Option<Order> = <#format as ::kernels::Coded>::ORDER_WIDE;
            const ORDER_NARROW: Option<Order> = <#format as ::kernels::Coded>::ORDER_NARROW;
        }
    });
    quote! {
        #(#functions)*
        const #table: &[::kernels::Kernel] = {
            use ::kernels::format::Order;
            use ::kernels::{Entry, Isa, Kernel, Numerics, isa};
            #facts
            &[#(#rows),*]
        };
    }
}

struct Writer<'a> {
    format: &'a Ident,
    functions: Vec<TokenStream>,
    rows: Vec<TokenStream>,
}

impl Writer<'_> {
    fn name(&self, isa: &Row, what: &str) -> Ident {
        format_ident!("{}_{}_{what}", self.format.to_string().to_lowercase(), isa.name)
    }

    /// An entry point `name(args)` that hands a token to the loop of `call`; that of its base, if an
    /// instruction set has one.
    fn entry(&mut self, isa: &Row, name: &Ident, args: &TokenStream, call: &TokenStream) {
        if isa.base.is_some() {
            return;
        }
        self.own_entry(isa, name, args, call);
    }

    fn own_entry(&mut self, isa: &Row, name: &Ident, args: &TokenStream, call: &TokenStream) {
        let (cfg, features, token) = (isa.cfg(), isa.target_feature(), isa.code().token());
        self.functions.push(quote! {
            #cfg
            #features
            fn #name #args {
                let isa = ::kernels::isa::#token::assume_supported();
                #call
            }
        });
    }

    fn gemv(&mut self, isa: &Row, class: &str, mr: usize, nr: usize) {
        let name = self.name(isa.code(), &format!("gemv_{class}_{mr}x{nr}"));
        let format = self.format;
        let [m, n] = [mr, nr].map(Literal::usize_unsuffixed);
        let rows = format_ident!("rows_{class}");
        let generics = quote! { <_, #format, #m, #n> };
        self.entry(
            isa,
            &name,
            &quote! { (args: &::kernels::gemv::Args<'_>, out: &mut [f32]) },
            &quote! { ::kernels::gemv::#rows::#generics(isa, args, out) },
        );
        let (class, entry) = match class {
            "q8" => ("Q8", quote! { Entry::GemvQ8(#name) }),
            "bf16" => ("Bf16", quote! { Entry::GemvF32(#name) }),
            _ => ("F32", quote! { Entry::GemvF32(#name) }),
        };
        self.row(isa, &name, (&quote! { #m }, &quote! { #n }), class, &entry);
    }

    fn unpack(&mut self, isa: &Row, class: &str) -> Ident {
        let name = self.name(isa.code(), &format!("unpack_{class}"));
        let (format, unpack) = (self.format, format_ident!("unpack_{class}"));
        self.entry(
            isa,
            &name,
            &quote! { (source: &::kernels::panel::Source<'_>, panel: &mut ::kernels::panel::Panel) },
            &quote! { ::kernels::panel::#unpack::<_, #format>(isa, source, panel) },
        );
        name
    }

    /// Two kernels that differ in their tiles.
    fn gemm_q8(&mut self, isa: &Row) {
        let unpack = self.unpack(isa, "q8");
        let (format, module, token) = (self.format, isa.code().module(), isa.code().token());
        for (class, variant) in [("q8", "Q8"), ("q8_256", "Q8x256")] {
            let tile = format_ident!("tile_{class}");
            let columns = (1..=isa.columns).map(Literal::usize_unsuffixed);
            let entry = quote! { {
                const CLASS: u32 = ::kernels::gemm::code_class::<isa::#token>(
                    <#format as ::kernels::Coded>::CODE_MAX
                );
                Entry::GemmQ8 {
                    unpack: #unpack,
                    tiles: &[#(isa::#module::#tile::<STEPS, CENTERED, CLASS, #columns>),*],
                    shape: ::kernels::panel::Shape::of::<isa::#token, #format>(),
                }
            } };
            self.gemm(isa, (class, variant), &entry);
        }
    }

    fn gemm_floats(&mut self, isa: &Row, (class, variant): (&str, &str)) {
        let unpack = self.unpack(isa, class);
        let (module, tile) = (isa.code().module(), format_ident!("tile_{class}"));
        let entry = format_ident!("Gemm{variant}");
        let columns = (1..=isa.columns).map(Literal::usize_unsuffixed);
        let entry = quote! { Entry::#entry {
            unpack: #unpack,
            tiles: &[#(isa::#module::#tile::<#columns>),*],
        } };
        self.gemm(isa, (class, variant), &entry);
    }

    fn gemm(&mut self, isa: &Row, (class, variant): (&str, &str), entry: &TokenStream) {
        let name = self.name(isa.code(), &format!("gemm_{class}"));
        let (panels, token) = (Literal::usize_unsuffixed(isa.panels), isa.code().token());
        let rows = quote! { #panels * <isa::#token as Isa>::LANES / 4 };
        let columns = Literal::usize_unsuffixed(isa.columns);
        self.row(isa, &name, (&rows, &quote! { #columns }), variant, entry);
    }

    /// The kernel of class `bf16` on tile registers.
    fn gemm_tiles(&mut self, isa: &Row, decodes: Decodes) {
        let in_place = decodes == Decodes::Pairs;
        let name = self.name(isa, "unpack_rows");
        let (format, module) = (self.format, isa.module());
        self.own_entry(
            isa,
            &name,
            &quote! { (source: &::kernels::panel::Source<'_>, panel: &mut ::kernels::panel::Panel) },
            &quote! { ::kernels::panel::unpack_rows::<_, #format>(isa, source, panel) },
        );
        let entry = quote! {
            Entry::GemmTiles {
                unpack: #name,
                pack: isa::#module::pack,
                tile: isa::#module::tile_bf16,
                in_place: #in_place,
            }
        };
        let rows = quote! { ::kernels::gemm::tiles::ROWS };
        let columns = quote! { ::kernels::gemm::tiles::COLUMNS };
        self.row(isa, &self.name(isa, "gemm_bf16"), (&rows, &columns), "Bf16", &entry);
    }

    fn row(
        &mut self,
        isa: &Row,
        name: &Ident,
        (rows, columns): (&TokenStream, &TokenStream),
        class: &str,
        entry: &TokenStream,
    ) {
        let order = match (class, isa.lanes) {
            ("Q8", 64) => quote! { ORDER_WIDE },
            ("Q8", _) => quote! { ORDER_NARROW },
            _ => quote! { None },
        };
        let (cfg, module, class) = (isa.cfg(), isa.module(), format_ident!("{class}"));
        let format = self.format;
        let name = name.to_string();
        self.rows.push(quote! {
            #cfg
            Kernel {
                name: #name,
                isa: &isa::#module::INFO,
                class: Numerics::#class,
                rows: #rows,
                columns: #columns,
                span: <#format as ::kernels::Format>::SPAN,
                order: #order,
                entry: #entry,
            }
        });
    }
}
