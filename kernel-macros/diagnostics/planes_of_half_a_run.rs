pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(12);
w[i] = d * q[i];

// error: 16 bytes are not whole runs of 12
//  2 | let q: [u4; 32] = qs.planes(12);
//    |                             ^^
