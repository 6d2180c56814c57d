pub struct X { d: f16, qs: [u8; 16] }
let q: [u6; 16] = qs.bits(0..4);
w[i] = d * q[i];

// error: `q` is declared 6 bits wide, but only 4 bits are read
//  2 | let q: [u6; 16] = qs.bits(0..4);
//    |         ^^
