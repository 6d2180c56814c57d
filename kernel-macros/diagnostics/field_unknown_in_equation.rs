pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
w[i] = d * q[i] - dmin;

// error: no field or let is called `dmin`; there are d qs q
//  3 | w[i] = d * q[i] - dmin;
//    |                   ^^^^
