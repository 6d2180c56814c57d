pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = qs[0..N].planes(16);
w[i] = d * q[i];

// error: expected an integer literal up to 65536
//  2 | let q: [u4; 32] = qs[0..N].planes(16);
//    |                         ^
