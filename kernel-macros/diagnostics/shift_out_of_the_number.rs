pub struct X { d: f16, a: [u8; 16], b: [u8; 8] }
let q: [u6; 32] = a.planes(16) | b.planes(8) << 6;
w[i] = d * q[i];

// error: 6 bits do not divide a byte: join planes of 1, 2 or 4 bits with `|`, or use `stream()`
//  2 | let q: [u6; 32] = a.planes(16) | b.planes(8) << 6;
//    |                     ^^^^^^
