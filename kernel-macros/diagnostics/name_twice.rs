pub struct X { d: f16, q: [u8; 16] }
let q: [u4; 32] = q.planes(16);
w[i] = d * q[i];

// error: `q` is declared twice
//  2 | let q: [u4; 32] = q.planes(16);
//    |     ^
