pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);

// error: no equation: say what a weight is, `w[i] = ...;`
//  1 | pub struct X { d: f16, qs: [u8; 16] }
//    |            ^
