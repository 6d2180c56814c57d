pub struct X { d: f16, Q: [u8; 16] }
let q: [u4; 32] = Q.planes(16);
w[i] = d * q[i];

// error: `Q` and `q` both become `Q_BITS`: rename one
//  2 | let q: [u4; 32] = Q.planes(16);
//    |     ^
