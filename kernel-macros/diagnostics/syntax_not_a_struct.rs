pub enum X { A }
let q: [u4; 32] = qs.planes(16);
w[i] = d * q[i];

// error: expected `struct`
//  1 | pub enum X { A }
//    |     ^^^^
