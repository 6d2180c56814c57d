pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
w[i] = d[i / 32] * q[i];

// error: `d` is a scalar: write `d`
//  3 | w[i] = d[i / 32] * q[i];
//    |        ^^^^^^^^^
