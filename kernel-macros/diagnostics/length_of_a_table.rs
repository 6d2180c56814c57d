pub struct X { d: f16, qs: [u8; 16] }
const T: [i8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14];
let q: [u4; 32] = qs.planes(16);
w[i] = d * T[q[i]];

// error: `T` is declared with 16 levels, but has 15
//  2 | const T: [i8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14];
//    |               ^^
