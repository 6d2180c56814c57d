pub struct X { d: f16, qs: [u8; 16] }
ggml_type = "two";
let q: [u4; 32] = qs.planes(16);
w[i] = d * q[i];

// error: expected integer literal
//  2 | ggml_type = "two";
//    |             ^^^^^
