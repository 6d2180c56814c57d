pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
w[i] = d * q[i] + i;

// error: `i` is the number of the weight: it stands in brackets
//  3 | w[i] = d * q[i] + i;
//    |                   ^
