pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = qs[4..4].planes(16);
w[i] = d * q[i];

// error: 4..4 lies outside the 16 elements there are
//  2 | let q: [u4; 32] = qs[4..4].planes(16);
//    |                      ^^^^
