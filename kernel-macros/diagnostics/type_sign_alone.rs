pub struct X { d: f16, qs: [u8; 16] }
let q: [i1; 128] = qs.planes(1);
w[i] = d * q[i];

// error: expected u1 to u8 or i2 to i8
//  2 | let q: [i1; 128] = qs.planes(1);
//    |         ^^
