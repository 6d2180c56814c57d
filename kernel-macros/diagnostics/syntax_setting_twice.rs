pub struct X { d: f16, qs: [u8; 16] }
ggml_type = 2;
ggml_type = 3;
let q: [u4; 32] = qs.planes(16);
w[i] = d * q[i];

// error: a second `ggml_type`
//  3 | ggml_type = 3;
//    | ^^^^^^^^^
