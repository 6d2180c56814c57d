pub struct X { d: f16, a: [u8; 16], b: [u8; 16] }
let q: [u4; 32] = a.planes(16);
let r: [u4; 32] = b.planes(16);
w[i] = d * (q[i] + 16 * r[i]);

// error: `q[i] + 16 * r[i]`: a weight may use its code once
//  4 | w[i] = d * (q[i] + 16 * r[i]);
//    |             ^^^^^^^^^^^^^^^^
