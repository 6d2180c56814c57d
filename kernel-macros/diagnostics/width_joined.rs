pub struct X { d: f16, a: [u8; 16], b: [u8; 8] }
let lo: [u4; 32] = a.planes(16);
let hi: [u2; 32] = b.planes(8);
let q: [u5; 32] = lo | hi << 4;
w[i] = d * q[i];

// error: `q` is declared 5 bits wide, but 6 bits are read
//  4 | let q: [u5; 32] = lo | hi << 4;
//    |         ^^
