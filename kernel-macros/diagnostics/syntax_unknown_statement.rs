pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
scale = d;
w[i] = d * q[i];

// error: unknown setting `scale`; there is `ggml_type = N;`
//  3 | scale = d;
//    | ^^^^^
