//! Keys and values of the tokens that a sequence has had, laid out to be multiplied with.
//!
//! Scores are `queries * keys^T` and outcomes `weights * values`, so both are products with a
//! "weight matrix" that grows. Kernels want rows along which they add: a key is a row as it is;
//! values lie transposed, a row per number of the head and a column per position. Both are cut
//! into chunks of [`CHUNK`] positions, one list of chunks per layer and head: a chunk is allocated
//! when the first of its positions comes, and products of whole chunks need one plan for all.
//! Positions that have not come yet are zeros.

use kernels::{FormatInfo, float, formats};

/// Positions of a chunk.
pub(crate) const CHUNK: usize = 256;

/// How keys and values are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheType {
    /// As they are, 4 bytes a number.
    F32,
    /// Rounded to half precision, 2 bytes a number.
    #[default]
    F16,
}

/// What a sequence has had.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    /// Tokens it has had, that is the position of the next.
    pub(crate) len: usize,
    layers: Vec<Vec<HeadCache>>,
}

/// Keys and values of one head in one layer.
#[derive(Debug, Default)]
pub(crate) struct HeadCache {
    chunks: Vec<Chunk>,
}

/// [`CHUNK`] positions.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// `(CHUNK, key size)`
    pub(crate) keys: Vec<u8>,
    /// `(value size, CHUNK)`
    pub(crate) values: Vec<u8>,
    /// Bytes of a number.
    width: usize,
}

/// Sizes of a head's keys and values, and their form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Store {
    pub(crate) kind: CacheType,
    /// Numbers of a key.
    pub(crate) key: usize,
    /// Numbers of a value.
    pub(crate) value: usize,
}

impl Sequence {
    /// The `heads` heads of a layer.
    pub(crate) fn layer_mut(&mut self, layer: usize, heads: usize) -> &mut [HeadCache] {
        if self.layers.len() <= layer {
            self.layers.resize_with(layer + 1, Vec::new);
        }
        let layer = &mut self.layers[layer];
        layer.resize_with(heads, HeadCache::default);
        layer
    }

    /// A head of a layer that has had keys.
    pub(crate) fn head(&self, layer: usize, head: usize) -> &HeadCache {
        &self.layers[layer][head]
    }

    /// Forgets what came after the first `len` tokens.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
        for head in self.layers.iter_mut().flatten() {
            head.chunks.truncate(self.len.div_ceil(CHUNK));
            // Numbers that are not finite would not vanish when multiplied with a weight of zero.
            if let (Some(last), false) = (head.chunks.last_mut(), self.len.is_multiple_of(CHUNK)) {
                last.forget(self.len % CHUNK);
            }
        }
    }

    /// Bytes of keys and values.
    pub(crate) fn bytes(&self) -> usize {
        let chunks = self.layers.iter().flatten().flat_map(|head| &head.chunks);
        chunks.map(|chunk| chunk.keys.len() + chunk.values.len()).sum()
    }
}

impl HeadCache {
    pub(crate) fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// Keeps the key and value of a position, which is at most one past those it has.
    pub(crate) fn put(&mut self, store: &Store, position: usize, key: &[f32], value: &[f32]) {
        let n = position / CHUNK;
        while self.chunks.len() <= n {
            self.chunks.push(store.chunk());
        }
        store.put(&mut self.chunks[n], position % CHUNK, key, value);
    }
}

impl Chunk {
    /// Zeros from a position on.
    fn forget(&mut self, position: usize) {
        let key = self.keys.len() / CHUNK;
        self.keys[position * key..].fill(0);
        for row in self.values.chunks_exact_mut(CHUNK * self.width) {
            row[position * self.width..].fill(0);
        }
    }
}

impl Store {
    /// The form of keys and values as a format of weights.
    pub(crate) fn format(&self) -> &'static FormatInfo {
        use kernels::Format;
        match self.kind {
            CacheType::F32 => formats::F32::info(),
            CacheType::F16 => formats::F16::info(),
        }
    }

    fn chunk(&self) -> Chunk {
        let width = self.format().block_bytes;
        let zeros = |size| vec![0; CHUNK * size * width];
        Chunk { keys: zeros(self.key), values: zeros(self.value), width }
    }

    fn put(&self, chunk: &mut Chunk, position: usize, key: &[f32], value: &[f32]) {
        match self.kind {
            CacheType::F32 => put(chunk, position, key, value, f32::to_le_bytes),
            CacheType::F16 => put(chunk, position, key, value, float::to_f16),
        }
    }
}

fn put<const BYTES: usize>(
    chunk: &mut Chunk,
    position: usize,
    key: &[f32],
    value: &[f32],
    bytes: impl Fn(f32) -> [u8; BYTES],
) {
    let (keys, _) = chunk.keys.as_chunks_mut::<BYTES>();
    for (to, x) in keys[position * key.len()..].iter_mut().zip(key) {
        *to = bytes(*x);
    }
    let (values, _) = chunk.values.as_chunks_mut::<BYTES>();
    for (to, x) in values[position..].iter_mut().step_by(CHUNK).zip(value) {
        *to = bytes(*x);
    }
}
