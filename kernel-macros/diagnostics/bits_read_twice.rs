pub struct X { d: f16, s: [u8; 4], qs: [u8; 16] }
let sc: [u4; 4] = s.bits(0..4);
let m: [u5; 4] = s.bits(3..8);
let q: [u4; 32] = qs.planes(16);
w[i] = d * sc[i / 8] * q[i] - d * m[i / 8];

// error: bit 3 of byte 0 of `s` is read before, by `sc`
//  3 | let m: [u5; 4] = s.bits(3..8);
//    |     ^
