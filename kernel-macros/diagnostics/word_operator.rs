pub struct X { d: f16, a: [u8; 16], b: [u8; 4] }
let q: [u5; 32] = a.planes(16) + b.planes(1);
w[i] = d * q[i];

// error: numbers are joined with `|` and `<<`
//  2 | let q: [u5; 32] = a.planes(16) + b.planes(1);
//    |                                ^
