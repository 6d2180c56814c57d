pub struct X { d: f16, s: u8, qs: [u8; 28] }
let sc: [u7; 1] = s.bits(0..7);
let q: [u7; 32] = qs.stream();
w[i] = d * sc[i / 32] * q[i];

// error: 1 bit of `s` is never read, bit 7 of byte 0
//  1 | pub struct X { d: f16, s: u8, qs: [u8; 28] }
//    |                        ^
