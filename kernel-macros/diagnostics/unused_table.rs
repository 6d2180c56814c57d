pub struct X { d: f16, qs: [u8; 16] }
const T: [i8; 2] = [-1, 1];
let q: [u4; 32] = qs.planes(16);
w[i] = d * q[i];

// error: `T` is never used
//  2 | const T: [i8; 2] = [-1, 1];
//    |       ^
