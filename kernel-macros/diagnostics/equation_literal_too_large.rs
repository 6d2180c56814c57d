pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
w[i] = 1e39 * d * q[i];

// error: this number is too large for an f32
//  3 | w[i] = 1e39 * d * q[i];
//    |        ^^^^
