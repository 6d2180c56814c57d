pub struct X { d: f16, s: [u8; 4], qs: [u8; 16] }
let sc: [u4; 4] = s.bits(0..4);
let q: [u4; 32] = qs.planes(16);
w[i] = d * sc[i / 8] * q[i];

// error: 16 bits of `s` are never read, the first is bit 4 of byte 0
//  1 | pub struct X { d: f16, s: [u8; 4], qs: [u8; 16] }
//    |                        ^
