pub struct X { d: f16, qs: [u8; 16] }
let q: u4 = qs.planes(16);
w[i] = d * q[i];

// error: expected `[uN; LENGTH]` or `[iN; LENGTH]`
//  2 | let q: u4 = qs.planes(16);
//    |        ^^
