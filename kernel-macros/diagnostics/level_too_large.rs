pub struct X { d: f16, qs: [u8; 16] }
const T: [i8; 4] = [-129, 0, 1, 1.5];
let q: [u2; 64] = qs.planes(1);
w[i] = d * T[q[i]];

// error: a level is an integer literal from -128 to 127
//  2 | const T: [i8; 4] = [-129, 0, 1, 1.5];
//    |                     ^^^^

// error: a level is an integer literal from -128 to 127
//  2 | const T: [i8; 4] = [-129, 0, 1, 1.5];
//    |                                 ^^^
