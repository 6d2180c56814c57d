pub struct X { d: f16, qs: [[u8; 4]; 4] }
let q: [u4; 32] = qs.planes(16);
w[i] = d * q[i];

// error: expected a scalar type or an array of them
//  1 | pub struct X { d: f16, qs: [[u8; 4]; 4] }
//    |                             ^^^^^^^
