pub struct X { d: f16, dmin: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
w[i] = d * q[i];

// error: 16 bits of `dmin` are never read, the first is bit 0 of byte 0
//  1 | pub struct X { d: f16, dmin: f16, qs: [u8; 16] }
//    |                        ^^^^
