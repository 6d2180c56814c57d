//! Damage to files, as faults and attackers do it, from a seed.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// SplitMix64, small enough to be here.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// One change that a fault or an attacker might make.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    const TELLING: [u64; 12] = [
        0,
        1,
        2,
        3,
        9,
        0xff,
        0x7fff_ffff,
        0xffff_ffff,
        1 << 32,
        i64::MAX as u64,
        u64::MAX - 7,
        u64::MAX,
    ];
    let at = random.below(bytes.len());
    match random.below(6) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.next() as u8,
        2 | 3 => {
            // A whole field at once: flips alone rarely make a length that is nearly right.
            let value = TELLING[random.below(TELLING.len())].to_le_bytes();
            let width = [1, 2, 4, 8][random.below(4)].min(bytes.len() - at);
            bytes[at..][..width].copy_from_slice(&value[..width]);
        }
        4 => {
            let end = (at + 1 + random.below(40)).min(bytes.len());
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        _ => bytes.truncate(at.max(1)),
    }
}

/// Damages the files of a corpus in turn, `rounds` times, and lets `read` say whether it takes
/// what comes out. Panics if `read` does, with the seed; else tells how many were accepted and
/// how many refused.
pub(crate) fn survive(
    corpus: &[Vec<u8>],
    rounds: u64,
    read: impl Fn(&[u8]) -> bool,
) -> (usize, usize) {
    let mut accepted = 0;
    for seed in 0..rounds {
        let random = &mut Random(seed);
        let mut bytes = corpus[seed as usize % corpus.len()].clone();
        for _ in 0..=random.below(4) {
            mutate(&mut bytes, random);
        }
        match catch_unwind(AssertUnwindSafe(|| read(&bytes))) {
            Ok(taken) => accepted += usize::from(taken),
            Err(panic) => {
                eprintln!("seed {seed}: {bytes:?}");
                resume_unwind(panic);
            }
        }
    }
    (accepted, rounds as usize - accepted)
}
