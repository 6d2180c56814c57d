pub struct X { d: f16, s: u16, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
w[i] = d * s[i / 32] * q[i];

// error: `s` is 16 bits wide; the equation takes up to 8, cut it in a `let`
//  3 | w[i] = d * s[i / 32] * q[i];
//    |            ^
