pub struct X { d: [f16; 3], qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
w[i] = d[i / 12] * q[i];

// error: 32 weights are not whole groups of 12
//  3 | w[i] = d[i / 12] * q[i];
//    |        ^^^^^^^^^
