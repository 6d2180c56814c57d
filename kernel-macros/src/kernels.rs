//! Formats x instruction sets x register tiles to entry points and table rows.
//!
//! A row's entry point is a function named after it (`q4_k_avx512vnni_gemv_1x2`), so that a
//! profiler's symbols name rows. It carries the features of its instruction set and does nothing
//! but call the generic loop, which is inlined into it.

use crate::isa::{ISAS, Row};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use syn::parse::Parser;
use syn::punctuated::Punctuated;

/// Columns of an f32 `gemv` tile.
const F32_TILES: &[usize] = &[1, 4];

/// `kernels! { F16, BF16 }`: for each name a constant table of its kernels, `F16_KERNELS`.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let parser = Punctuated::<Ident, syn::Token![,]>::parse_terminated;
    let names = match parser.parse2(input) {
        Ok(names) => names,
        Err(error) => return error.into_compile_error(),
    };
    let tables = names.iter().map(|name| {
        let rows = rows(name, false);
        let table = format_ident!("{name}_KERNELS");
        quote! { const #table: &[::kernels::Kernel] = { #rows KERNELS }; }
    });
    quote! { #(#tables)* }
}

/// `const KERNELS` for a format, with its entry points. `coded` formats have `impl Coded`.
pub(crate) fn rows(format: &Ident, coded: bool) -> TokenStream {
    let mut writer = Writer { format, functions: vec![], rows: vec![] };
    for isa in ISAS {
        if coded {
            for (mr, nr) in isa.tiles {
                writer.gemv(isa, "q8", *mr, *nr);
            }
            writer.gemm_q8(isa);
        }
        for nr in F32_TILES {
            writer.gemv(isa, "f32", 1, *nr);
        }
        writer.gemm_f32(isa);
    }
    let Writer { functions, rows, .. } = writer;
    quote! {
        #(#functions)*
        const KERNELS: &[::kernels::Kernel] = &[#(#rows),*];
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

    /// An entry point `name(args)` that hands a token to the loop of `call`.
    fn entry(&mut self, isa: &Row, name: &Ident, args: &TokenStream, call: &TokenStream) {
        let (cfg, features, token) = (isa.cfg(), isa.target_feature(), isa.token());
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
        let name = self.name(isa, &format!("gemv_{class}_{mr}x{nr}"));
        let format = self.format;
        let [m, n] = [mr, nr].map(Literal::usize_unsuffixed);
        let rows = format_ident!("rows_{class}");
        let generics = match class {
            "q8" => quote! { <_, #format, #m, #n> },
            _ => quote! { <_, #format, #n> },
        };
        self.entry(
            isa,
            &name,
            &quote! { (args: &::kernels::gemv::Args<'_>, out: &mut [f32]) },
            &quote! { ::kernels::gemv::#rows::#generics(isa, args, out) },
        );
        let (class, entry) = match class {
            "q8" => ("Q8", quote! { ::kernels::Entry::GemvQ8(#name) }),
            _ => ("F32", quote! { ::kernels::Entry::GemvF32(#name) }),
        };
        self.row(isa, &name, (&quote! { #m }, nr), class, &entry);
    }

    fn unpack(&mut self, isa: &Row, class: &str) -> Ident {
        let name = self.name(isa, &format!("unpack_{class}"));
        let (format, unpack) = (self.format, format_ident!("unpack_{class}"));
        self.entry(
            isa,
            &name,
            &quote! { (source: &::kernels::panel::Source<'_>, panel: &mut ::kernels::panel::Panel) },
            &quote! { ::kernels::panel::#unpack::<_, #format>(isa, source, panel) },
        );
        name
    }

    fn gemm_q8(&mut self, isa: &Row) {
        let unpack = self.unpack(isa, "q8");
        let (format, module, token) = (self.format, isa.module(), isa.token());
        let tiles = (1..=isa.columns).map(|nr| {
            let nr = Literal::usize_unsuffixed(nr);
            quote! { ::kernels::isa::#module::tile_q8::<
                { <#format as ::kernels::Coded>::UNIT / 4 },
                { <#format as ::kernels::Coded>::CENTER.is_some() },
                { ::kernels::gemm::code_class::<::kernels::isa::#token>(
                    <#format as ::kernels::Coded>::CODE_MAX
                ) },
                #nr
            > }
        });
        let entry = quote! { ::kernels::Entry::GemmQ8 {
            unpack: #unpack,
            tiles: &[#(#tiles),*],
            shape: ::kernels::panel::Shape::of::<::kernels::isa::#token, #format>(),
        } };
        let name = self.name(isa, "gemm_q8");
        let panels = Literal::usize_unsuffixed(isa.panels);
        let rows = quote! { #panels * <::kernels::isa::#token as ::kernels::Isa>::LANES / 4 };
        self.row(isa, &name, (&rows, isa.columns), "Q8", &entry);
    }

    fn gemm_f32(&mut self, isa: &Row) {
        let unpack = self.unpack(isa, "f32");
        let (module, token) = (isa.module(), isa.token());
        let tiles = (1..=isa.columns).map(|nr| {
            let nr = Literal::usize_unsuffixed(nr);
            quote! { ::kernels::isa::#module::tile_f32::<#nr> }
        });
        let entry = quote! { ::kernels::Entry::GemmF32 { unpack: #unpack, tiles: &[#(#tiles),*] } };
        let name = self.name(isa, "gemm_f32");
        let panels = Literal::usize_unsuffixed(isa.panels);
        let rows = quote! { #panels * <::kernels::isa::#token as ::kernels::Isa>::LANES / 4 };
        self.row(isa, &name, (&rows, isa.columns), "F32", &entry);
    }

    fn row(
        &mut self,
        isa: &Row,
        name: &Ident,
        (rows, columns): (&TokenStream, usize),
        class: &str,
        entry: &TokenStream,
    ) {
        let (cfg, module, class) = (isa.cfg(), isa.module(), format_ident!("{class}"));
        let (name, columns) = (name.to_string(), Literal::usize_unsuffixed(columns));
        self.rows.push(quote! {
            #cfg
            ::kernels::Kernel {
                name: #name,
                isa: &::kernels::isa::#module::INFO,
                class: ::kernels::Numerics::#class,
                rows: #rows,
                columns: #columns,
                entry: #entry,
            }
        });
    }
}
