pub struct X { d: f16, qs: [u8; 16], s: [u8; 4] }
let sc: [u4; 4] = s[1..5].bits(0..4);
let q: [u4; 32] = qs.planes(16);
w[i] = d * sc[i / 8] * q[i];

// error: 1..5 lies outside the 4 elements there are
//  2 | let sc: [u4; 4] = s[1..5].bits(0..4);
//    |                     ^^^^
