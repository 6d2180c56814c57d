//! Vector steps against the bits that they were made from: generated code, run by an interpreter
//! of the operations' scalar meaning, on index maps of every kind.

use crate::format::body::Body;
use crate::format::lower::{Register, lower};
use crate::format::model::Bit;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use quote::quote;
use std::collections::HashMap;
use syn::{Expr, Item, Lit, Pat, Stmt};

/// Reads the generated function and runs it on a span.
fn run(lanes: &[Vec<Bit>], register: Register, span: &[u8]) -> Vec<u8> {
    let mut body = Body::default();
    let value = lower(lanes, register, span.len(), &mut body);
    let (constants, statements) = (body.constants(), body.take_statements());
    let code = quote! { { #constants #statements #value } };
    let block: syn::Block = syn::parse2(code.clone()).unwrap();
    let mut machine = Machine { register, known: HashMap::new() };
    machine.known.insert("span".into(), span.to_vec());
    let mut result = None;
    for statement in block.stmts {
        match statement {
            Stmt::Item(Item::Const(item)) => {
                let value = constant(&item.expr);
                machine.known.insert(item.ident.to_string(), value);
            }
            Stmt::Local(local) => {
                let Pat::Ident(name) = &local.pat else { panic!("{code}") };
                let value = machine.value(&local.init.unwrap().expr);
                machine.known.insert(name.ident.to_string(), value);
            }
            Stmt::Expr(expr, None) => result = Some(machine.value(&expr)),
            _ => panic!("{code}"),
        }
    }
    result.unwrap()
}

/// Numbers of an array, of `Shift::new(&[..])`, of `Fields::new([(..), ..])` or of
/// `Spots::new([..], span)`, a byte each.
fn constant(expr: &Expr) -> Vec<u8> {
    match expr {
        Expr::Reference(inner) => constant(&inner.expr),
        Expr::Call(call) => constant(&call.args[0]),
        Expr::Array(array) => array.elems.iter().flat_map(constant).collect(),
        Expr::Tuple(tuple) => tuple.elems.iter().flat_map(constant).collect(),
        Expr::Lit(_) | Expr::Unary(_) => vec![integer(expr) as u8],
        other => panic!("{}", quote! { #other }),
    }
}

fn integer(expr: &Expr) -> i64 {
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(int) => int.base10_parse().unwrap(),
            _ => panic!("not an integer"),
        },
        Expr::Unary(unary) => -integer(&unary.expr),
        _ => panic!("not an integer"),
    }
}

struct Machine {
    register: Register,
    known: HashMap<String, Vec<u8>>,
}

impl Machine {
    fn value(&self, expr: &Expr) -> Vec<u8> {
        match expr {
            Expr::Path(path) => self.known[&path.path.get_ident().unwrap().to_string()].clone(),
            Expr::MethodCall(call) => self.operation(call),
            other => panic!("{}", quote! { #other }),
        }
    }

    /// The meaning of an operation, as `kernels::isa` has it.
    fn operation(&self, call: &syn::ExprMethodCall) -> Vec<u8> {
        let count = self.register.lanes();
        let is_literal = |expr: &Expr| matches!(expr, Expr::Lit(_));
        let values: Vec<Vec<u8>> = call
            .args
            .iter()
            .map(|argument| if is_literal(argument) { vec![] } else { self.value(argument) })
            .collect();
        let number = |n: usize| integer(&call.args[n]) as usize;
        let lanes = |lane: &dyn Fn(usize) -> u8| (0..count).map(lane).collect::<Vec<u8>>();
        let name = call.method.to_string();
        let small = name.strip_prefix("s_");
        assert_eq!(small.is_some(), self.register == Register::Small, "{name}");
        match small.unwrap_or(&name) {
            "load" => values[0][number(1)..number(1) + count].to_vec(),
            "load_prefix" => {
                let mut all = values[0].clone();
                assert!(all.len() <= count);
                all.resize(count, 0);
                all
            }
            "load_halves" => {
                let half = |at: usize| values[0][at..at + count / 2].to_vec();
                [half(number(1)), half(number(2))].concat()
            }
            "bytes" => {
                let places = &values[1];
                assert!(places.is_sorted() && places.len() <= 16);
                lanes(&|n| values[0][usize::from(places[n.min(places.len() - 1)])])
            }
            "splat_u8" => vec![number(0) as u8; count],
            "permute" => lanes(&|n| values[0][usize::from(values[1][n]) % count]),
            "permute2" => {
                let both = [&values[0][..], &values[1]].concat();
                lanes(&|n| both[usize::from(values[2][n]) % (2 * count)])
            }
            "shuffle" => lanes(&|n| match values[1][n] {
                128.. => 0,
                at => values[0][n / 16 * 16 + usize::from(at) % 16],
            }),
            "and" => lanes(&|n| values[0][n] & values[1][n]),
            "or" => lanes(&|n| values[0][n] | values[1][n]),
            "shr" => words(&values[0], 2, &|word, _| word >> number(1)),
            "shl" => words(&values[0], 2, &|word, _| word << number(1)),
            "shift_dwords" => {
                let counts = &values[1];
                words(&values[0], 4, &|word, n| word >> counts[4 * n])
            }
            "shift_bytes" => lanes(&|n| shift(values[0][n], values[1][n])),
            "fields" => lanes(&|n| {
                let [count, mask] = values[1].as_chunks().0[n / 8];
                shift(values[0][n], count) & mask
            }),
            "test_bits" => {
                lanes(&|n| if values[0][n] & values[1][n] == 0 { 0 } else { number(2) as u8 })
            }
            other => panic!("an operation `{other}`"),
        }
    }
}

/// Right by `count`, or left.
fn shift(byte: u8, count: u8) -> u8 {
    match count.cast_signed() {
        right @ 0.. => byte >> right,
        left => byte << -left,
    }
}

/// Little-endian words of `size` bytes.
fn words(bytes: &[u8], size: usize, f: &dyn Fn(u64, usize) -> u64) -> Vec<u8> {
    let word = |(n, bytes): (usize, &[u8])| {
        let word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        f(word, n).to_le_bytes()[..size].to_vec()
    };
    bytes.chunks(size).enumerate().flat_map(word).collect()
}

/// The number that a lane holds, bit by bit.
fn number(bits: &[Bit], span: &[u8]) -> u8 {
    let bit = |bit: &Bit| bit.map_or(0, |bit| span[bit / 8] >> (bit % 8) & 1);
    bits.iter().rev().fold(0, |number, source| number << 1 | bit(source))
}

/// Lanes of a register: as many as there are numbers, sometimes fewer.
fn map() -> impl Strategy<Value = (Register, Vec<Vec<Bit>>, Vec<u8>)> {
    let register = prop_oneof![Just(Register::Wide), Just(Register::Narrow), Just(Register::Small)];
    (register, 16usize..256, 1usize..=8).prop_flat_map(|(register, bytes, width)| {
        let count = register.lanes();
        let count = prop_oneof![3 => Just(count), 1 => 1..=count];
        let lanes = count.prop_flat_map(move |count| {
            prop_oneof![scattered(bytes, width, count), cut(bytes, width, count)]
        });
        (Just(register), lanes, prop::collection::vec(any::<u8>(), bytes))
    })
}

/// Any bit may come from anywhere, or be zero.
fn scattered(bytes: usize, width: usize, count: usize) -> BoxedStrategy<Vec<Vec<Bit>>> {
    let bit = prop_oneof![1 => Just(None), 9 => (0..8 * bytes).prop_map(Some)];
    prop::collection::vec(prop::collection::vec(bit, width), count).boxed()
}

/// Numbers of one to three parts, each of consecutive bits at regular steps: what words make.
fn cut(bytes: usize, width: usize, count: usize) -> BoxedStrategy<Vec<Vec<Bit>>> {
    let steps = prop::sample::select(vec![0usize, 1, 2, 3, 4, 5, 6, 8, 8, 8, 12, 16, 32, 144]);
    let runs = prop::sample::select(vec![1usize, 2, 4, 8, 16, 32, 64]);
    let part = (0..8 * bytes, steps, runs, 0..64usize, any::<bool>());
    let parts = prop::collection::vec(part, 1..=3);
    (parts, 0..3usize)
        .prop_map(move |(parts, lift)| {
            let number = |n: usize| {
                let bit = |place: usize| {
                    let (start, step, run, far, holes) = parts[place * parts.len() / width];
                    // Lanes at `step` bits within runs, and a jump of `far` bytes between runs.
                    let from = start + n % run * step + n / run * 8 * far + place;
                    let is_zero = place < lift && holes && n >= count / 2;
                    (!is_zero).then_some(from % (8 * bytes))
                };
                (0..width).map(bit).collect()
            };
            (0..count).map(number).collect()
        })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        max_shrink_iters: 300,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_index_map_is_lowered_to_its_bits((register, lanes, span) in map()) {
        prop_assume!(lanes.iter().flatten().any(Option::is_some));
        let found = run(&lanes, register, &span);
        let expected: Vec<u8> = lanes.iter().map(|bits| number(bits, &span)).collect();
        prop_assert_eq!(&found[..lanes.len()], &expected[..]);
    }
}

#[test]
fn idioms_are_recognised() {
    let lower = |register, numbers: &dyn Fn(usize) -> Vec<Bit>, count| {
        let mut body = Body::default();
        let lanes: Vec<_> = (0..count).map(numbers).collect();
        let value = lower(&lanes, register, 256, &mut body);
        let statements = body.take_statements();
        crate::text::text(quote! { #statements #value })
    };
    // The high nibbles of 32 consecutive bytes.
    let nibbles = |n: usize| (8 * n + 4..8 * n + 8).map(Some).collect();
    assert_eq!(
        lower(Register::Narrow, &nibbles, 32),
        "let from = isa . load(span , 0) ; isa . and(isa . shr(from , 4) , isa . splat_u8(15))"
    );
    // A bit for each weight, eight a byte.
    let broadcast = lower(Register::Narrow, &|n| vec![Some(n)], 32);
    assert!(broadcast.contains("isa . test_bits(from , AT1 , 1)"), "{broadcast}");
    // Whole bytes are what a load gives.
    let bytes = lower(Register::Wide, &|n| (8 * n..8 * n + 8).map(Some).collect(), 64);
    assert_eq!(bytes, "isa . load(span , 0)");
}
