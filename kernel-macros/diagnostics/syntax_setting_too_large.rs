struct X { d: f16, qs: [i8; 32] }
ggml_type = 99999999999;
w[i] = d * qs[i];

// error: expected an integer literal up to 4294967295
//  2 | ggml_type = 99999999999;
//    |             ^^^^^^^^^^^
