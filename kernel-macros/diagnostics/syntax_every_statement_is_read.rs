pub struct X { d: f16, qs: [u8; 16] }
let q = qs.planes(16);
let : [u4; 2] = qs;
w[i] + d;

// error: expected `:`
//  2 | let q = qs.planes(16);
//    |       ^

// error: expected identifier
//  3 | let : [u4; 2] = qs;
//    |     ^

// error: expected `let`, `const`, `ggml_type = N;` or the equation `w[i] = ...;`
//  4 | w[i] + d;
//    | ^^^^^^^^
