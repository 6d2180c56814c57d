pub struct X { d: f16, qs: [u8; 16] }
let q: [u3; 16] = qs.bits(0..4);
w[i] = d * q[i];

// error: `q` is declared 3 bits wide, but 4 bits are read
//  2 | let q: [u3; 16] = qs.bits(0..4);
//    |         ^^
