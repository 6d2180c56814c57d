//! Activations as `gemm` reads them: blocks of columns, packed unit by unit.

use super::Product;
use crate::activations::{Activations, GROUP, HALF};
use crate::gemm::tiles::{self, TileColumns};
use crate::gemm::{Factors, STEP, TileBf16, TileF32, TileQ8, Wanted};
use crate::kernel::{Entry, Numerics, Ready};
use crate::lines::Lines;
use crate::panel::Shape;
use crate::plan::Plan;
use crate::threads::Pool;
use zerocopy::{FromBytes, IntoBytes};

/// Activations as `gemm` kernels read them, each form once.
pub(super) struct Packed(Vec<(Form, PackedColumns)>);

/// Plans of the same form share packed activations: class, panels in class `q8`, widest block.
type Form = (Numerics, Option<Shape>, usize);

pub(super) struct PackedColumns {
    pub(super) blocks: Vec<ColumnBlock>,
    pub(super) panels: Vec<ColumnPanel>,
}

impl PackedColumns {
    /// How often tiles of `depth` weights of K ask for what is wanted next, all blocks together.
    pub(super) fn steps(&self, depth: usize) -> usize {
        self.panels[..self.blocks.len()].iter().map(|panel| panel.steps(depth)).sum()
    }
}

impl Packed {
    pub(super) fn of(pool: &Pool, forms: &[Activations], products: &[Product<'_>]) -> Self {
        let mut all = Self(vec![]);
        for plan in products.iter().map(|product| product.plan) {
            let suits = |x: &&Activations| !plan.takes_gemv(x) && x.shape().1 > 0;
            let Some(x) = plan.form_of(forms).filter(suits) else { continue };
            let form = Self::form(plan, x.class());
            if all.0.iter().all(|(known, _)| *known != form) {
                let (batch, _) = x.shape();
                let gemm = plan.gemm_for(x.class());
                let blocks = match gemm.kernel().entry {
                    Entry::GemmTiles { .. } => ColumnBlock::full(batch, form.2),
                    _ => ColumnBlock::cut(batch, form.2),
                };
                let mut panels = pool.packed();
                // What more there is, a larger batch left: its memory is kept for the next one.
                panels.resize_with(panels.len().max(blocks.len()), ColumnPanel::default);
                let filled = &mut panels[..blocks.len()];
                pool.for_each_chunk(filled, 1, |n, panel| panel[0].pack(gemm, x, blocks[n]));
                all.0.push((form, PackedColumns { blocks, panels }));
            }
        }
        all
    }

    /// For the pool to use again.
    pub(super) fn give_back(self, pool: &Pool) {
        self.0.into_iter().for_each(|(_, columns)| pool.keep_packed(columns.panels));
    }

    fn form(plan: &Plan, class: Numerics) -> Form {
        let kernel = plan.gemm_for(class).kernel();
        let shape = match kernel.entry {
            Entry::GemmQ8 { shape, .. } => Some(shape),
            _ => None,
        };
        let widest = match kernel.entry {
            Entry::GemmTiles { .. } => kernel.columns,
            _ => usize::from(plan.params.columns).clamp(1, kernel.columns),
        };
        (class, shape, widest)
    }

    pub(super) fn of_plan(&self, plan: &Plan, class: Numerics) -> &PackedColumns {
        let form = Self::form(plan, class);
        let found = self.0.iter().find(|(known, _)| *known == form);
        &found.expect("packed for each plan that takes gemm").1
    }
}

/// Some columns of activations that share a register tile.
#[derive(Clone, Copy)]
pub(super) struct ColumnBlock {
    pub(super) first: usize,
    pub(super) count: usize,
}

impl ColumnBlock {
    /// Blocks of nearly equal width, at most `widest`: 9 columns are 5 and 4, not 8 and 1.
    pub(super) fn cut(batch: usize, widest: usize) -> Vec<Self> {
        let blocks = batch.div_ceil(widest);
        let at = |n: usize| n * batch / blocks;
        (0..blocks).map(|n| Self { first: at(n), count: at(n + 1) - at(n) }).collect()
    }

    /// Blocks of full width, and what is left: a tile takes as long for one column as for all.
    fn full(batch: usize, width: usize) -> Vec<Self> {
        let block = |first| Self { first, count: width.min(batch - first) };
        (0..batch).step_by(width).map(block).collect()
    }
}

/// What a tile multiplies columns with.
#[derive(Clone, Copy)]
pub(super) struct Weights<'a> {
    pub(super) panels: &'a [&'a [u8]],
    /// Which of K they are: the first, and how many.
    pub(super) part: (usize, usize),
    pub(super) wanted: Wanted,
}

/// A block of columns in the order in which `gemm` reads them.
#[derive(Debug, Default)]
pub(crate) struct ColumnPanel {
    columns: usize,
    /// Weights of K between two times at which a tile asks for what is wanted next, if it does: in
    /// class `q8` a unit.
    step: Option<usize>,
    quants: Lines<i8>,
    factors: Lines<Factors>,
    floats: Lines<f32>,
}

impl ColumnPanel {
    pub(super) fn pack(&mut self, gemm: Ready, x: &Activations, block: ColumnBlock) {
        self.columns = block.count;
        match &gemm.kernel().entry {
            Entry::GemmQ8 { shape, .. } => self.pack_q8(*shape, x, block),
            Entry::GemmBf16 { .. } => self.pack_bf16(x, block),
            Entry::GemmTiles { .. } => self.pack_tiles(gemm, x, block),
            _ => self.pack_f32(x, block),
        }
    }

    fn pack_q8(&mut self, shape: Shape, x: &Activations, block: ColumnBlock) {
        let (_, depth) = x.shape();
        self.step = Some(shape.unit);
        let size = shape.units(depth) * block.count;
        self.quants.reserve(size * shape.unit);
        self.factors.reserve(size);
        match shape.unit {
            HALF => self.pack_units::<HALF>(shape, x, block),
            _ => self.pack_units::<GROUP>(shape, x, block),
        }
    }

    fn pack_units<const UNIT: usize>(&mut self, shape: Shape, x: &Activations, block: ColumnBlock) {
        let (quants, _) = self.quants.as_chunks_mut::<UNIT>();
        let quants = quants.chunks_exact_mut(block.count);
        let factors = self.factors.chunks_exact_mut(block.count);
        let rows: Vec<_> = (0..block.count).map(|c| x.q8(block.first + c)).collect();
        for (u, (quants, factors)) in quants.zip(factors).enumerate() {
            for ((row, quants), factors) in rows.iter().zip(quants).zip(factors) {
                *quants = row.quants.as_chunks::<UNIT>().0[u];
                let (scale, sum, part) = match UNIT {
                    HALF => (row.scales[u / 2], row.sums[u], row.half_parts[u]),
                    _ => (row.scales[u], row.sums[2 * u] + row.sums[2 * u + 1], row.parts[u]),
                };
                *factors = match x.class() {
                    Numerics::Q8x256 => Factors::wide(shape.center, scale, sum),
                    _ => Factors::new(shape.center, scale, sum, part),
                };
            }
        }
    }

    /// Pairs of bfloat16 along K.
    fn pack_bf16(&mut self, x: &Activations, block: ColumnBlock) {
        let pairs = x.shape().1.div_ceil(2);
        self.step = Some(2 * STEP);
        let to = self.quants.reserve(4 * pairs * block.count);
        // A row is padded with zeros: an odd depth's last pair has one.
        let rows: Vec<_> = (0..block.count)
            .map(|c| &x.halves(block.first + c).as_bytes().as_chunks::<4>().0[..pairs])
            .collect();
        interleave(&rows, to.as_mut_bytes().as_chunks_mut().0);
    }

    /// The same for tile registers: steps of 16 pairs, each of as many columns as a tile has.
    fn pack_tiles(&mut self, gemm: Ready, x: &Activations, block: ColumnBlock) {
        let (_, depth) = x.shape();
        self.step = Some(tiles::DEPTH);
        let size = depth.next_multiple_of(tiles::DEPTH) * tiles::COLUMNS * 2;
        let pairs = self.quants.reserve(size).as_mut_bytes();
        let pairs = <[f32]>::mut_from_bytes(pairs).expect("at a cache line");
        let (rows, stride) = x.pairs(block.first, block.count);
        gemm.pack_tiles(&mut TileColumns { rows, stride, count: block.count, pairs });
    }

    fn pack_f32(&mut self, x: &Activations, block: ColumnBlock) {
        let (_, depth) = x.shape();
        self.step = None;
        let rows: Vec<_> = (0..block.count).map(|c| &x.floats(block.first + c)[..depth]).collect();
        interleave(&rows, self.floats.reserve(depth * block.count));
    }

    /// How often a tile of `depth` weights of K asks for what is wanted next.
    pub(super) fn steps(&self, depth: usize) -> usize {
        self.step.map_or(0, |step| depth.div_ceil(step))
    }

    /// For tile registers: the steps of `count` weights of K from `first` on.
    pub(super) fn steps_of(&self, (first, count): (usize, usize)) -> &[i8] {
        /// Bytes that a weight of K takes.
        const SIZE: usize = 2 * tiles::COLUMNS;
        &self.quants[SIZE * first..SIZE * (first + count).next_multiple_of(tiles::DEPTH)]
    }

    /// Adds products to `out[column][row of the panels]`.
    pub(super) fn tile(&self, gemm: Ready, weights: Weights<'_>, out: &mut [f32]) {
        let Weights { panels, part: (first, depth), wanted } = weights;
        let columns = self.columns;
        let from = first * columns;
        match gemm.kernel().entry {
            Entry::GemmQ8 { shape, .. } => {
                let units = shape.units(depth);
                let (quants, factors) = (&self.quants[from..], &self.factors[from / shape.unit..]);
                let mut tile = TileQ8 { panels, units, quants, factors, wanted, out };
                gemm.tile_q8(columns, &mut tile);
            }
            Entry::GemmBf16 { .. } => {
                let pairs = &self.quants[2 * from..][..4 * depth.div_ceil(2) * columns];
                gemm.tile_bf16(columns, &mut TileBf16 { panels, pairs, wanted, out });
            }
            _ => {
                let x = &self.floats[from..][..depth * columns];
                gemm.tile_f32(columns, &mut TileF32 { panels, x, out });
            }
        }
    }
}

/// `to[k][row]` from rows of equal length.
fn interleave<T: Copy>(rows: &[&[T]], to: &mut [T]) {
    match rows.len() {
        2 => interleave_rows::<T, 2>(rows, to),
        3 => interleave_rows::<T, 3>(rows, to),
        4 => interleave_rows::<T, 4>(rows, to),
        5 => interleave_rows::<T, 5>(rows, to),
        6 => interleave_rows::<T, 6>(rows, to),
        count => {
            for (c, row) in rows.iter().enumerate() {
                for (to, from) in to.chunks_exact_mut(count).zip(*row) {
                    to[c] = *from;
                }
            }
        }
    }
}

/// The same for `N` rows, without a loop over them.
fn interleave_rows<T: Copy, const N: usize>(rows: &[&[T]], to: &mut [T]) {
    let (to, _) = to.as_chunks_mut::<N>();
    let rows: &[&[T]; N] = rows.first_chunk().expect("N rows");
    let rows = rows.map(|row| &row[..to.len()]);
    for (k, to) in to.iter_mut().enumerate() {
        for c in 0..N {
            to[c] = rows[c][k];
        }
    }
}
