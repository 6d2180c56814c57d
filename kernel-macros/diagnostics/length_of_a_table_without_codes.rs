pub struct X { d: f16, qs: [u8; 16] }
const T: [i8; 3] = [-1, 0, 1];
let q: [u4; 32] = qs.planes(16);
w[i] = d * T[q[i]];

// error: a table holds 2, 4, 8 or 16 levels, one for every code
//  2 | const T: [i8; 3] = [-1, 0, 1];
//    |               ^
