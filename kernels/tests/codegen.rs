//! What the compiler made of the kernels, read from this very test program.
//!
//! Kernels are fast only if every operation is inlined into the entry point that carries the CPU
//! features: one that is not costs a call and a trip through memory. So no operation may exist as
//! a function of its own, and the loops that do the work may contain no call.

#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind};
use kernels::{Entry, formats};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};
use std::collections::BTreeMap;

/// Functions of this program by name, demangled as far as needed: address and code.
fn functions() -> BTreeMap<String, (u64, Vec<u8>)> {
    let path = std::env::current_exe().unwrap();
    let bytes = std::fs::read(path).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let mut functions = BTreeMap::new();
    for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text) {
        let Some(index) = symbol.section_index() else { continue };
        let section = file.section_by_index(index).unwrap();
        let code = section.data_range(symbol.address(), symbol.size()).unwrap();
        let name = symbol.name().unwrap().to_owned();
        functions.insert(name, (symbol.address(), code.unwrap_or_default().to_vec()));
    }
    functions
}

fn instructions(address: u64, code: &[u8]) -> Vec<Instruction> {
    let mut decoder = Decoder::with_ip(64, code, address, DecoderOptions::NONE);
    std::iter::from_fn(|| decoder.can_decode().then(|| decoder.decode())).collect()
}

fn is_work(instruction: &Instruction) -> bool {
    use Mnemonic::*;
    matches!(
        instruction.mnemonic(),
        Vpdpbusd | Vpmaddubsw | Vfmadd132ps | Vfmadd213ps | Vfmadd231ps
    )
}

fn is_call(instruction: &&Instruction) -> bool {
    matches!(instruction.flow_control(), FlowControl::Call | FlowControl::IndirectCall)
}

/// The innermost loops that do the work: instructions between a backward branch and its target.
fn hot_loops(code: &[Instruction]) -> Vec<&[Instruction]> {
    let at = |address: u64| code.binary_search_by_key(&address, Instruction::ip).ok();
    let back = code.iter().enumerate().filter_map(|(end, branch)| {
        let is_branch = matches!(
            branch.flow_control(),
            FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch
        );
        let start = at(branch.near_branch_target())?;
        (is_branch && start <= end).then_some((start, end))
    });
    let loops: Vec<(usize, usize)> =
        back.filter(|(start, end)| code[*start..=*end].iter().any(is_work)).collect();
    let innermost = |(start, end): &&(usize, usize)| {
        !loops.iter().any(|(s, e)| (s, e) != (start, end) && s >= start && e <= end)
    };
    loops.iter().filter(innermost).map(|(start, end)| &code[*start..=*end]).collect()
}

/// Names of the vector kernels' entry points: those that loop over file blocks.
fn gemv_kernels() -> Vec<&'static str> {
    let all = formats::all();
    let kernels = all.iter().flat_map(|format| format.kernels);
    let is_gemv = |entry: &Entry| matches!(entry, Entry::GemvQ8(_) | Entry::GemvF32(_));
    kernels
        .filter(|kernel| kernel.isa.name != "scalar" && is_gemv(&kernel.entry))
        .map(|kernel| kernel.name)
        .collect()
}

#[test]
fn no_call_stands_in_a_loop_that_does_the_work() {
    let functions = functions();
    let mut loops_seen = 0;
    let find = |name: &str| {
        // A legacy-mangled path ends in the name's length and the name, before the hash.
        let mangled = format!("{}{name}", name.len());
        functions.iter().find(|(symbol, _)| symbol.contains(&mangled) || *symbol == name)
    };
    let callee = |call: &Instruction| {
        let is_callee =
            |(_, (address, _)): &(&String, &(u64, Vec<u8>))| *address == call.near_branch_target();
        functions.iter().find(is_callee).map_or("a function of a library", |(name, _)| name)
    };
    for name in gemv_kernels() {
        let (_, (address, code)) =
            find(name).unwrap_or_else(|| panic!("kernel {name} is not in this program"));
        let code = instructions(*address, code);
        let loops = hot_loops(&code);
        let mut quiet = 0;
        assert!(!loops.is_empty(), "{name} has no loop that does the work");
        for body in &loops {
            let callees: Vec<&str> = body.iter().filter(is_call).map(callee).collect();
            // The loop over rows may copy a last span that is not whole, and panics call; nothing
            // else may.
            let own = callees.iter().find(|name| name.contains("kernels"));
            assert_eq!(own, None, "{name} calls in its loop");
            quiet += usize::from(callees.is_empty());
        }
        assert!(quiet > 0, "{name} has no loop without calls");
        loops_seen += loops.len();
    }
    assert!(loops_seen > 500, "only {loops_seen} loops found");
}

#[test]
fn the_prefill_loops_make_no_calls() {
    let mut tiles = 0;
    for (name, (address, code)) in functions() {
        let is_tile = name.contains("tile_q8") || name.contains("tile_f32");
        if !is_tile || name.contains("scalar") || !name.contains("isa") {
            continue;
        }
        let code = instructions(address, &code);
        for body in hot_loops(&code) {
            assert_eq!(body.iter().filter(is_call).count(), 0, "{name} calls in its loop");
            tiles += 1;
        }
    }
    assert!(tiles > 50, "only {tiles} loops found");
}

/// What a loop costs: dot products, other work on vectors, and reads of vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    dots: usize,
    others: usize,
    reads: usize,
}

impl Cost {
    fn of(body: &[Instruction]) -> Self {
        let mut cost = Self { dots: 0, others: 0, reads: 0 };
        for instruction in body {
            let name = format!("{:?}", instruction.mnemonic());
            let reads = instruction.op_kinds().any(|kind| kind == OpKind::Memory);
            let moves = ["Vmov", "Vbroadcast", "Vpbroadcast"].iter().any(|m| name.starts_with(m));
            let zeroes = matches!(&name[..], "Vpxor" | "Vxorps" | "Vpxord")
                && instruction.op_register(1) == instruction.op_register(2);
            if !name.starts_with('V') || zeroes {
                continue;
            }
            cost.reads += usize::from(reads);
            match &name[..] {
                "Vpdpbusd" | "Vpmaddubsw" => cost.dots += 1,
                _ => cost.others += usize::from(!moves),
            }
        }
        cost
    }
}

/// The loops that everything waits for, as they were when they were last looked at; a compiler or
/// a change that makes one longer by more than a tenth is to be looked at, too.
#[test]
fn the_loops_that_matter_are_as_short_as_they_were() {
    let functions = functions();
    let costs = |name: &str| {
        let of = |(_, (address, code)): (&String, &(u64, Vec<u8>))| {
            hot_loops(&instructions(*address, code)).into_iter().map(Cost::of).collect::<Vec<_>>()
        };
        functions.iter().filter(|(symbol, _)| symbol.contains(name)).flat_map(of).collect()
    };
    let check = |name: &str, dots: usize, (others, reads): (usize, usize)| {
        let costs: Vec<Cost> = costs(name);
        let with_dots = costs.iter().filter(|cost| cost.dots == dots);
        let least = with_dots.min_by_key(|cost| cost.others + cost.reads);
        let least = least.unwrap_or_else(|| panic!("{name} has no loop of {dots}: {costs:?}"));
        assert!(
            10 * least.others <= 11 * others && 10 * least.reads <= 11 * reads,
            "{name}: {least:?}, but there were {others} others and {reads} reads",
        );
    };
    // A step of a tile of two panels and six columns: codes and quants are read, and that is all.
    check("avx512vnni7tile_q8", 12, (0, 8));
    // Two spans of 256 or, where scales are made of integers, 512 weights.
    check("q4_0_avx512vnni_gemv_q8_1x1", 8, (32, 22));
    check("q8_0_avx512vnni_gemv_q8_1x1", 8, (48, 28));
    check("q4_k_avx512vnni_gemv_q8_1x1", 16, (96, 40));
    check("q6_k_avx512vnni_gemv_q8_1x1", 8, (60, 25));
}

#[test]
fn no_operation_is_left_as_a_function_of_its_own() {
    let left: Vec<String> = functions()
        .into_keys()
        .filter(|name| name.contains("Isa$u20$for") && name.contains("x86"))
        .collect();
    assert!(left.is_empty(), "operations that were not inlined: {left:#?}");
}

/// Keeps every kernel in this program.
#[test]
fn every_kernel_is_linked() {
    assert!(formats::all().iter().map(|format| format.kernels.len()).sum::<usize>() > 500);
}
