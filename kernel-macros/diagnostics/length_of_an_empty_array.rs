pub struct X { d: f16, qs: [u8; 0] }
let q: [u4; 32] = qs.planes(16);
w[i] = d * q[i];

// error: an array holds at least one element
//  1 | pub struct X { d: f16, qs: [u8; 0] }
//    |                                 ^
