pub struct X { größe: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
w[i] = größe * q[i];

// error: `größe`: a name is made of ASCII letters, digits and `_`
//  1 | pub struct X { größe: f16, qs: [u8; 16] }
//    |                ^^^^^
