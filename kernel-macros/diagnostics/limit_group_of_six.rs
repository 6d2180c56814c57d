pub struct X { d: [f16; 4], qs: [u8; 12] }
let q: [u4; 24] = qs.planes(12);
w[i] = d[i / 6] * q[i];

// error: groups of 6; a length is a multiple of 4
//  3 | w[i] = d[i / 6] * q[i];
//    |        ^^^^^^^^
