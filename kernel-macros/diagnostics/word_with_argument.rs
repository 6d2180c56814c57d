pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.stream(16);
w[i] = d * q[i];

// error: expected `bits(lo..hi)`, `planes(run)` or `stream()`
//  2 | let q: [u4; 32] = qs.stream(16);
//    |                   ^^^^^^^^^^^^^
