pub struct X { w: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
w[i] = w * q[i];

// error: `w` is taken: `w[i]` is the weight
//  1 | pub struct X { w: f16, qs: [u8; 16] }
//    |                ^
