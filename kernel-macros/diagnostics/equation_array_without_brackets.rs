pub struct X { d: [f16; 2], qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
w[i] = d * q[i];

// error: `d` is an array: write `d[i / G]`
//  3 | w[i] = d * q[i];
//    |        ^
