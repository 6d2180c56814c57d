pub struct X { d: f16, a: [u8; 8], b: [u8; 4] }
let q: [u6; 16] = lo | b.planes(4) << 4;
let lo: [u4; 16] = a.planes(8);
w[i] = d * q[i];

// error: no field or let is called `lo`; there are d a b
//  2 | let q: [u6; 16] = lo | b.planes(4) << 4;
//    |                   ^^
