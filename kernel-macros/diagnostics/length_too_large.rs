pub struct X { d: f16, qs: [u8; 1000000] }
let q: [u4; 32] = qs.planes(16);
w[i] = d * q[i];

// error: expected an integer literal up to 65536
//  1 | pub struct X { d: f16, qs: [u8; 1000000] }
//    |                                 ^^^^^^^
