pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
let _spare: [u1; 16] = qs.bits(7..8);
w[i] = d * q[i];

// error: bit 7 of byte 0 of `qs` is read before, by `q`
//  3 | let _spare: [u1; 16] = qs.bits(7..8);
//    |     ^^^^^^
