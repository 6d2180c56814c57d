pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
w[i] = d * q[i];
w[i] = d * (q[i] - 8);

// error: a second equation for `w[i]`
//  4 | w[i] = d * (q[i] - 8);
//    |        ^^^^^^^^^^^^^^
