pub struct X { d: f16, qs: [u8; 16] }
const T: [i8; 8] = [0, 1, 2, 3, 4, 5, 6, 7];
let q: [u4; 32] = qs.planes(16);
w[i] = d * T[q[i]];

// error: `q` is 4 bits wide, but the table has 8 levels
//  4 | w[i] = d * T[q[i]];
//    |              ^^^^
