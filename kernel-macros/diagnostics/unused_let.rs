pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
let r: [u2; 64] = qs.planes(1);
w[i] = d * q[i];

// error: `r` is never used
//  3 | let r: [u2; 64] = qs.planes(1);
//    |     ^
