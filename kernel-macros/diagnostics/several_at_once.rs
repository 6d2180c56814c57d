pub struct X { d: f16, m: f61, qs: [u8; 16], s: [u8; 2] }
let q: [u4; 31] = qs.planes(16);
let sc: [u4; 4] = s.plane(1);
w[i] = d * dmim * sc[i / 8] * q[i] + ofset;

// error: unknown field type `f61`; there are f16 bf16 f32 e8m0 ue4m3 u8 i8 u16 u32
//  1 | pub struct X { d: f16, m: f61, qs: [u8; 16], s: [u8; 2] }
//    |                           ^^^

// error: `q` is declared with 31 numbers, but its bytes hold 32
//  2 | let q: [u4; 31] = qs.planes(16);
//    |             ^^

// error: unknown word `plane`; there are `bits`, `planes` and `stream`
//  3 | let sc: [u4; 4] = s.plane(1);
//    |                     ^^^^^

// error: no field or let is called `dmim`; there are d qs s q sc
//  4 | w[i] = d * dmim * sc[i / 8] * q[i] + ofset;
//    |            ^^^^

// error: no field or let is called `ofset`; there are d qs s q sc
//  4 | w[i] = d * dmim * sc[i / 8] * q[i] + ofset;
//    |                                      ^^^^^
