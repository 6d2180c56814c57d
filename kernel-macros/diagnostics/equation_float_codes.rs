pub struct X { d: [f16; 32] }
w[i] = d[i];

// error: `d` holds floats; a code is an integer
//  2 | w[i] = d[i];
//    |        ^^^^
