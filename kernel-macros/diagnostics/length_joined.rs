pub struct X { d: f16, a: [u8; 16], b: [u8; 2] }
let q: [u5; 32] = a.planes(16) | b.planes(1) << 4;
w[i] = d * q[i];

// error: 32 numbers on the left of `|`, but 16 here
//  2 | let q: [u5; 32] = a.planes(16) | b.planes(1) << 4;
//    |                                  ^^^^^^^^^^^^^^^^
