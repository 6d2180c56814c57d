pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 31] = qs.planes(16);
w[i] = d * q[i];

// error: `q` is declared with 31 numbers, but its bytes hold 32
//  2 | let q: [u4; 31] = qs.planes(16);
//    |             ^^
