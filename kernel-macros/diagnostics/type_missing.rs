pub struct X { d: f16, qs: [u8; 16] }
let q = qs.planes(16);
w[i] = d * q[i];

// error: expected `:`
//  2 | let q = qs.planes(16);
//    |       ^
