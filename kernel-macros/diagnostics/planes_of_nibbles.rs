pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
let r: [u2; 64] = q.planes(1);
w[i] = d * r[i];

// error: `planes` cuts bytes, but these numbers are 4 bits wide
//  3 | let r: [u2; 64] = q.planes(1);
//    |                   ^
