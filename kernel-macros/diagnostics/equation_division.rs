pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
w[i] = q[i] / d;

// error: a weight is made with `+`, `-` and `*`
//  3 | w[i] = q[i] / d;
//    |             ^
