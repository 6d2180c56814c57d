pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = [qs.bits(0..4), qs.bits(0..4)];
w[i] = d * q[i];

// error: bit 0 of byte 0 of `qs` is read before, by `q`
//  2 | let q: [u4; 32] = [qs.bits(0..4), qs.bits(0..4)];
//    |     ^

// error: 64 bits of `qs` are never read, the first is bit 4 of byte 0
//  1 | pub struct X { d: f16, qs: [u8; 16] }
//    |                        ^^
