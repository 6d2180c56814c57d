pub struct X { d: f16, qs: [u8; 16] }
let q: [u5; 25] = qs.stream();
w[i] = d * q[i];

// error: 128 bits are not whole numbers of 5 bits
//  2 | let q: [u5; 25] = qs.stream();
//    |                   ^^
