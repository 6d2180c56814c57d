pub struct X { d: f16, qs: [u8; 24] }
let q: [u3; 64] = qs.planes(8);
w[i] = d * q[i];

// error: 3 bits do not divide a byte: join planes of 1, 2 or 4 bits with `|`, or use `stream()`
//  2 | let q: [u3; 64] = qs.planes(8);
//    |                      ^^^^^^
