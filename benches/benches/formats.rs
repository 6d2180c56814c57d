//! Decode and prefill of every format, and decode against what fusing replaces.
#![allow(missing_docs, reason = "criterion's macro makes a function without documentation")]

use benches::{Layer, SIDE, noise};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kernels::{Numerics, Pool, formats};
use std::time::Duration;

/// Activation rows of a prefill.
const BATCH: usize = 512;

fn decode(c: &mut Criterion) {
    let pool = Pool::new(0).expect("threads");
    let x = noise(SIDE, 2);
    let mut out = vec![0.0; SIDE];
    let f32_copy = Layer::new(formats::by_name("F32").expect("F32"), Numerics::F32, &pool);
    let mut group = c.benchmark_group("decode");
    for format in formats::all() {
        let bytes = format.bytes(SIDE, SIDE).expect("whole blocks");
        group.throughput(Throughput::Bytes(bytes as u64));
        let layer = Layer::new(format, Numerics::Q8, &pool);
        layer.check(&pool, &x, 1);
        group.bench_function(BenchmarkId::from_parameter(format.name), |b| {
            b.iter(|| layer.multiply(&pool, &x, 1, &mut out));
        });
        if format.block_len == 1 {
            continue;
        }
        group.bench_function(BenchmarkId::new(format.name, "f32-copy"), |b| {
            b.iter(|| f32_copy.multiply(&pool, &x, 1, &mut out));
        });
        let mut weights = vec![0.0; SIDE * SIDE];
        group.bench_function(BenchmarkId::new(format.name, "unfused"), |b| {
            b.iter(|| {
                format.dequantize(layer.blocks(), &mut weights).expect("whole blocks");
                for (out, row) in out.iter_mut().zip(weights.chunks_exact(SIDE)) {
                    *out = row.iter().zip(&x).map(|(w, x)| w * x).sum();
                }
            });
        });
    }
    group.finish();
}

fn prefill(c: &mut Criterion) {
    let pool = Pool::new(0).expect("threads");
    let x = noise(BATCH * SIDE, 3);
    let mut out = vec![0.0; BATCH * SIDE];
    let mut group = c.benchmark_group("prefill");
    group.throughput(Throughput::Elements((BATCH * SIDE * SIDE) as u64));
    for format in formats::all() {
        let layer = Layer::new(format, Numerics::Q8, &pool);
        layer.check(&pool, &x, BATCH);
        group.bench_function(BenchmarkId::from_parameter(format.name), |b| {
            b.iter(|| layer.multiply(&pool, &x, BATCH, &mut out));
        });
    }
    group.finish();
}

criterion_group! {
    name = all;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    targets = decode, prefill
}
criterion_main!(all);
