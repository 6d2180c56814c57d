pub struct X { d: f16, a: [u8; 16], b: [u4; 4], s: [u8; 2] }
let lo: [u4; 32] = a.planes(16);
let hi: [u1; 32] = b.planes(1);
let q: [u5; 32] = lo | hi << 4;
let sc: [u4; 4] = s.planes(1);
w[i] = d * sc[i / 8] * (q[i] - 16);

// error: unknown field type `u4`; there are f16 bf16 f32 e8m0 ue4m3 u8 i8 u16 u32
//  1 | pub struct X { d: f16, a: [u8; 16], b: [u4; 4], s: [u8; 2] }
//    |                                         ^^
