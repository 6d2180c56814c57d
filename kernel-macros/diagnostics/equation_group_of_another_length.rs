pub struct X { d: [f16; 2], qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
w[i] = d[i / 8] * q[i];

// error: `d` holds 2 numbers, but 32 weights in groups of 8 need 4
//  3 | w[i] = d[i / 8] * q[i];
//    |        ^^^^^^^^
