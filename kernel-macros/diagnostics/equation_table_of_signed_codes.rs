pub struct X { d: f16, qs: [u8; 16] }
const T: [i8; 4] = [0, 1, -2, -1];
let q: [i2; 64] = qs.planes(1);
w[i] = d * T[q[i]];

// error: `q` is signed; the index of a table is `u2`
//  4 | w[i] = d * T[q[i]];
//    |              ^^^^
