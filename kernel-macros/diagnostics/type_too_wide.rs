pub struct X { d: f16, qs: [u8; 16] }
let q: [u9; 14] = qs.stream();
w[i] = d * q[i];

// error: expected u1 to u8 or i2 to i8
//  2 | let q: [u9; 14] = qs.stream();
//    |         ^^
