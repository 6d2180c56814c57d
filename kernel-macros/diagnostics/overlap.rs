pub struct X { d: f16, a: [u8; 16], b: [u8; 8] }
let lo: [u4; 32] = a.planes(16);
let hi: [u2; 32] = b.planes(8);
let q: [u5; 32] = lo | hi << 3;
w[i] = d * q[i];

// error: bit 3 is already set by the left side
//  4 | let q: [u5; 32] = lo | hi << 3;
//    |                        ^^^^^^^
