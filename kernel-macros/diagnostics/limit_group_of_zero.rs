pub struct X { d: [f16; 4], qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
w[i] = d[i / 0] * q[i];

// error: groups of 0; a length is a multiple of 4
//  3 | w[i] = d[i / 0] * q[i];
//    |        ^^^^^^^^
