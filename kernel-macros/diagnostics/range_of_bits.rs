pub struct X { d: f16, qs: [u8; 16], s: [u8; 4] }
let sc: [u4; 4] = s.bits(6..10);
let q: [u4; 32] = qs.planes(16);
w[i] = d * sc[i / 8] * q[i];

// error: bits 6..10 lie outside the 8 bits there are
//  2 | let sc: [u4; 4] = s.bits(6..10);
//    |                          ^^^^^
