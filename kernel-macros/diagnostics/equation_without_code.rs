pub struct X { d: f16, s: [u8; 4] }
w[i] = d * s[i / 8];

// error: no code: the equation needs a number `q[i]`
//  2 | w[i] = d * s[i / 8];
//    |        ^^^^^^^^^^^^
