pub struct X { d: f64, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
w[i] = d * q[i];

// error: unknown field type `f64`; there are f16 bf16 f32 e8m0 ue4m3 u8 i8 u16 u32
//  1 | pub struct X { d: f64, qs: [u8; 16] }
//    |                   ^^^
