pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.nibbles();
w[i] = d * q[i];

// error: unknown word `nibbles`; there are `bits`, `planes` and `stream`
//  2 | let q: [u4; 32] = qs.nibbles();
//    |                      ^^^^^^^
