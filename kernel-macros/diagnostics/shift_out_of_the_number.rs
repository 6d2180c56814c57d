pub struct X { d: f16, a: [u8; 16], b: [u8; 8] }
let q: [u6; 32] = a.planes(16) | b.planes(8) << 6;
w[i] = d * q[i];

// error: a shift by 6 leaves no room in 6 bits
//  2 | let q: [u6; 32] = a.planes(16) | b.planes(8) << 6;
//    |                                                 ^
