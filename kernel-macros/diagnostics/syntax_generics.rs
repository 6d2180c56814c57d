pub struct X<T> { d: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
w[i] = d * q[i];

// error: expected curly braces
//  1 | pub struct X<T> { d: f16, qs: [u8; 16] }
//    |             ^
