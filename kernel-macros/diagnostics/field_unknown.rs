pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = sq.planes(16);
w[i] = d * q[i];

// error: no field or let is called `sq`; there are d qs
//  2 | let q: [u4; 32] = sq.planes(16);
//    |                   ^^
