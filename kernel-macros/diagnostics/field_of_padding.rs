pub struct X { d: f16, qs: [u8; 16], _m: f16 }
let q: [u4; 32] = qs.planes(16);
w[i] = d * q[i] + _m;

// error: `_m` is padding: a name with `_` is never read
//  3 | w[i] = d * q[i] + _m;
//    |                   ^^
