pub struct X { d: f16, m: f16, qs: [u8; 16], s: [u8; 2] }
let q: [u4; 32] = qs.planes(16);
let sc: [u4; 4] = s.planes(1);
w[i] = d * sc[i / 16] * q[i];

// error: `sc` holds 4 numbers, but 32 weights in groups of 16 need 2
//  4 | w[i] = d * sc[i / 16] * q[i];
//    |            ^^^^^^^^^^

// error: 16 bits of `m` are never read, the first is bit 0 of byte 0
//  1 | pub struct X { d: f16, m: f16, qs: [u8; 16], s: [u8; 2] }
//    |                        ^
