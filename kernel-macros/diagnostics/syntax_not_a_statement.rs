pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
d * q[i];
w[i] = d * q[i];

// error: expected `let`, `const`, `ggml_type = N;` or the equation `w[i] = ...;`
//  3 | d * q[i];
//    | ^^^^^^^^
