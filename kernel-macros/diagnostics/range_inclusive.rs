pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = qs[0..=15].planes(16);
w[i] = d * q[i];

// error: expected a range `a..b`
//  2 | let q: [u4; 32] = qs[0..=15].planes(16);
//    |                      ^^^^^^
