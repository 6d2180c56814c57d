//! Activations as `gemm` reads them: blocks of columns, packed unit by unit.

use super::Product;
use crate::activations::{Activations, GROUP, HALF};
use crate::gemm::tiles::{self, Layout, TileRows};
use crate::gemm::{Factors, STEP, TileBf16, TileF32, TileQ8, Wanted};
use crate::kernel::{Entry, Numerics, Ready};
use crate::lines::Lines;
use crate::panel::Shape;
use crate::plan::Plan;
use crate::threads::Pool;
use zerocopy::IntoBytes;

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
                let blocks = ColumnBlock::cut(batch, form.2);
                let mut panels = pool.packed();
                // What more there is, a larger batch left: its memory is kept for the next one.
                panels.resize_with(panels.len().max(blocks.len()), ColumnPanel::default);
                let entry = &plan.gemm_for(x.class()).kernel().entry;
                let filled = &mut panels[..blocks.len()];
                pool.for_each_chunk(filled, 1, |n, panel| panel[0].pack(entry, x, blocks[n]));
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
}

/// What a tile multiplies columns with.
#[derive(Clone, Copy)]
pub(super) struct Weights<'a> {
    pub(super) panels: &'a [&'a [u8]],
    /// Which of K they are: the first, and how many.
    pub(super) part: (usize, usize),
    /// On tile registers: how rows lie in panels.
    pub(super) layout: Layout,
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
    pub(super) fn pack(&mut self, entry: &Entry, x: &Activations, block: ColumnBlock) {
        self.columns = block.count;
        match entry {
            Entry::GemmQ8 { shape, .. } => self.pack_q8(*shape, x, block),
            Entry::GemmBf16 { .. } => self.pack_bf16(x, block),
            Entry::GemmTiles { .. } => self.pack_tiles(x, block),
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
        let factors = &mut self.factors;
        for c in 0..block.count {
            let row = x.q8(block.first + c);
            let (from, _) = row.quants.as_chunks::<UNIT>();
            for u in 0..shape.units(x.shape().1) {
                quants[u * block.count + c] = from[u];
                let (scale, sum, part) = match UNIT {
                    HALF => (row.scales[u / 2], row.sums[u], row.half_parts[u]),
                    _ => (row.scales[u], row.sums[2 * u] + row.sums[2 * u + 1], row.parts[u]),
                };
                factors[u * block.count + c] = match x.class() {
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
    fn pack_tiles(&mut self, x: &Activations, block: ColumnBlock) {
        const PAIRS: usize = tiles::DEPTH / 2;
        let (_, depth) = x.shape();
        self.step = Some(tiles::DEPTH);
        let pairs = self.quants.reserve(4 * depth.div_ceil(tiles::DEPTH) * PAIRS * tiles::COLUMNS);
        let (steps, _) = pairs.as_chunks_mut::<{ 4 * PAIRS * tiles::COLUMNS }>();
        for (step, to) in steps.iter_mut().enumerate() {
            if block.count < tiles::COLUMNS {
                to.fill(0);
            }
            let (to, _) = to.as_chunks_mut::<4>();
            for c in 0..block.count {
                // A row is padded with zeros.
                let halves = &x.halves(block.first + c)[step * tiles::DEPTH..][..tiles::DEPTH];
                let (bytes, _) = halves.as_bytes().as_chunks::<4>();
                for (n, [a, b, c2, d]) in bytes.iter().enumerate() {
                    to[n * tiles::COLUMNS + c] =
                        [a.cast_signed(), b.cast_signed(), c2.cast_signed(), d.cast_signed()];
                }
            }
        }
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

    /// Adds products to `out[column][row of the panels]`; on tile registers it sets them.
    pub(super) fn tile(&self, gemm: Ready, weights: Weights<'_>, out: &mut [f32]) {
        let Weights { panels, part: (first, depth), layout, wanted } = weights;
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
            Entry::GemmTiles { .. } => {
                let pairs = &self.quants;
                gemm.tile_rows(&mut TileRows { panels, layout, pairs, wanted, out });
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
