pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 4] = d.bits(0..4);
w[i] = d * q[i];

// error: `d` holds f16, not integers
//  2 | let q: [u4; 4] = d.bits(0..4);
//    |                  ^
