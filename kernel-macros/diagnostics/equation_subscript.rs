pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
w[i] = d * q[i + 1];

// error: expected `i` or `i / G`
//  3 | w[i] = d * q[i + 1];
//    |              ^^^^^
