pub struct X { d: f16, qs: [u8; 3] }
let q: [u4; 6] = qs.planes(1);
w[i] = d * q[i];

// error: a block of 6 weights; its length must be a multiple of 4
//  2 | let q: [u4; 6] = qs.planes(1);
//    |     ^
