pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = 7;
w[i] = d * q[i];

// error: expected a field or a let
//  2 | let q: [u4; 32] = 7;
//    |                   ^
