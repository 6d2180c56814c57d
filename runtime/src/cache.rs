//! Keys and values of the tokens that a sequence has had, laid out to be multiplied with.
//!
//! Scores are `queries * keys^T` and outcomes `weights * values`, so both are products with a
//! "weight matrix" that grows. Kernels want rows along which they add: a key is a row as it is;
//! values lie transposed, a row per number of the head and a column per position. Both are cut
//! into chunks of `CHUNK` positions, one list of chunks per layer and head: a chunk is allocated
//! when the first of its positions comes, and products of whole chunks need one plan for all.
//! Positions that have not come yet are zeros.

use kernels::{Format, FormatInfo, float, formats};

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
    /// Rounded to 8 bits with a scale: keys in groups of 32 as in Q8_0, values with one for each.
    /// Only for heads whose size is a multiple of 32.
    Q8,
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
    kind: CacheType,
    /// `(CHUNK, key size)`
    pub(crate) keys: Vec<u8>,
    /// `(value size, CHUNK)`
    pub(crate) values: Vec<u8>,
    /// What the values of each position are to be multiplied with; empty if with nothing.
    pub(crate) scales: Vec<f32>,
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
        let bytes = |chunk: &Chunk| chunk.keys.len() + chunk.values.len() + 4 * chunk.scales.len();
        chunks.map(bytes).sum()
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
    /// The values of the first positions, `(value size, positions)`, in `room` where they do not lie
    /// so.
    pub(crate) fn first_values<'a>(
        &'a self,
        positions: usize,
        value: usize,
        room: &'a mut Vec<u8>,
    ) -> &'a [u8] {
        if positions == CHUNK {
            return &self.values;
        }
        let row = self.values.len() / value;
        room.clear();
        for row in self.values.chunks_exact(row) {
            room.extend_from_slice(&row[..row.len() * positions / CHUNK]);
        }
        room
    }

    /// Forgets values that would not vanish when multiplied with a weight of zero, from a position
    /// on. Only `f32` can be infinite.
    fn forget(&mut self, position: usize) {
        if self.kind == CacheType::F32 {
            for row in self.values.chunks_exact_mut(4 * CHUNK) {
                row[4 * position..].fill(0);
            }
        }
    }
}

impl Store {
    /// The form of keys and values as a format of weights.
    pub(crate) fn format(&self) -> &'static FormatInfo {
        match self.kind {
            CacheType::F32 => formats::F32::info(),
            CacheType::F16 => formats::F16::info(),
            CacheType::Q8 => formats::Q8_0::info(),
        }
    }

    fn chunk(&self) -> Chunk {
        let bytes = |rows, depth| self.format().bytes(rows, depth).expect("whole blocks");
        let (keys, values) = (bytes(CHUNK, self.key), bytes(self.value, CHUNK));
        let mut chunk =
            Chunk { kind: self.kind, keys: vec![0; keys], values: vec![0; values], scales: vec![] };
        if self.kind == CacheType::Q8 {
            // The scale of a value is a position's, not that of a block of positions.
            let (blocks, _) = chunk.values.as_chunks_mut::<BLOCK>();
            blocks.iter_mut().for_each(|block| block[..2].copy_from_slice(&float::to_f16(1.0)));
            chunk.scales = vec![0.0; CHUNK];
        }
        chunk
    }

    fn put(&self, chunk: &mut Chunk, position: usize, key: &[f32], value: &[f32]) {
        match self.kind {
            CacheType::F32 => put(chunk, position, key, value, |x| x.map(f32::to_le_bytes)),
            CacheType::F16 => put(chunk, position, key, value, float::to_f16s::<AT_ONCE>),
            CacheType::Q8 => put_q8(chunk, position, key, value),
        }
    }
}

/// Numbers that are converted at once.
const AT_ONCE: usize = 16;

fn put<const BYTES: usize>(
    chunk: &mut Chunk,
    position: usize,
    key: &[f32],
    value: &[f32],
    bytes: impl Fn(&[f32; AT_ONCE]) -> [[u8; BYTES]; AT_ONCE] + Copy,
) {
    let (keys, _) = chunk.keys.as_chunks_mut::<BYTES>();
    let keys = &mut keys[position * key.len()..][..key.len()];
    put_each(key, bytes, |n, bytes| keys[n] = bytes);
    let (values, _) = chunk.values.as_chunks_mut::<BYTES>();
    put_each(value, bytes, |n, bytes| values[n * CHUNK + position] = bytes);
}

/// The bytes of each number, with its place among them.
#[inline(always)]
fn put_each<const BYTES: usize>(
    numbers: &[f32],
    bytes: impl Fn(&[f32; AT_ONCE]) -> [[u8; BYTES]; AT_ONCE],
    mut put: impl FnMut(usize, [u8; BYTES]),
) {
    let (whole, rest) = numbers.as_chunks::<AT_ONCE>();
    for (some, numbers) in whole.iter().enumerate() {
        let some_bytes = bytes(numbers);
        for n in 0..AT_ONCE {
            put(some * AT_ONCE + n, some_bytes[n]);
        }
    }
    let mut last = [0.0; AT_ONCE];
    last[..rest.len()].copy_from_slice(rest);
    let last = bytes(&last);
    for n in 0..rest.len() {
        put(whole.len() * AT_ONCE + n, last[n]);
    }
}

/// Codes of a Q8_0 block.
const CODES: usize = 32;
/// Bytes of a Q8_0 block: an `f16` scale and the codes.
const BLOCK: usize = 2 + CODES;

fn put_q8(chunk: &mut Chunk, position: usize, key: &[f32], value: &[f32]) {
    let (keys, _) = chunk.keys.as_chunks_mut::<BLOCK>();
    let (groups, _) = key.as_chunks::<CODES>();
    for (block, group) in keys[position * groups.len()..].iter_mut().zip(groups) {
        let scale = float::to_f16(largest(group) / 127.0);
        block[..2].copy_from_slice(&scale);
        let inverse = inverse(float::f16(scale));
        block[2..].iter_mut().zip(group).for_each(|(code, x)| *code = encode(x * inverse));
    }
    let scale = largest(value) / 127.0;
    chunk.scales[position] = scale;
    let inverse = inverse(scale);
    let (values, _) = chunk.values.as_chunks_mut::<BLOCK>();
    let row = CHUNK / CODES;
    for (block, x) in values[position / CODES..].iter_mut().step_by(row).zip(value) {
        block[2 + position % CODES] = encode(x * inverse);
    }
}

/// The largest magnitude; NaN if one is.
fn largest(x: &[f32]) -> f32 {
    x.iter().fold(0.0, |most, x| if x.abs() <= most { most } else { x.abs() })
}

fn inverse(scale: f32) -> f32 {
    if scale > 0.0 { 1.0 / scale } else { 0.0 }
}

/// The nearest code, as a byte. A scale that was rounded down does not take it past 127.
fn encode(x: f32) -> u8 {
    (x.round_ties_even().clamp(-127.0, 127.0) as i8).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_values_are_those_of_a_shorter_chunk() {
        let value: Vec<f32> = (0..32).map(|n| 1.0 + n as f32 / 4.0).collect();
        for kind in [CacheType::F32, CacheType::F16, CacheType::Q8] {
            let store = Store { kind, key: 32, value: 32 };
            let mut head = HeadCache::default();
            for position in 0..100 {
                head.put(&store, position, &value, &value);
            }
            let mut room = vec![];
            let first = head.chunks()[0].first_values(64, 32, &mut room);
            assert_eq!(first.len(), store.format().bytes(32, 64).unwrap(), "{kind:?}");
            let mut floats = vec![0.0; 32 * 64];
            store.format().dequantize(first, &mut floats).unwrap();
            for (n, floats) in floats.chunks_exact(64).enumerate() {
                let codes = value[n] / value[31] * 127.0;
                let want = if kind == CacheType::Q8 { codes.round() } else { value[n] };
                assert!(floats.iter().all(|x| *x == want), "{kind:?}, {n}: {floats:?}");
            }
        }
    }

    #[test]
    fn every_number_of_a_long_head_has_its_place() {
        // More than two times as many as are converted at once, and a rest.
        let store = Store { kind: CacheType::F16, key: 40, value: 40 };
        let key: Vec<f32> = (0..40).map(|n| n as f32 / 3.0).collect();
        let value: Vec<f32> = key.iter().map(|x| -x).collect();
        let mut head = HeadCache::default();
        head.put(&store, 0, &key, &value);
        head.put(&store, 1, &value, &key);
        let chunk = &head.chunks()[0];
        let (keys, values) = (chunk.keys.as_chunks::<2>().0, chunk.values.as_chunks::<2>().0);
        for n in 0..40 {
            let expected = [float::to_f16(key[n]), float::to_f16(value[n])];
            assert_eq!([keys[n], keys[40 + n]], expected, "key {n}");
            assert_eq!([values[n * CHUNK + 1], values[n * CHUNK]], expected, "value {n}");
        }
    }
}
