pub struct X { r#type: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
w[i] = r#type * q[i];

// error: `r#type`: a name is made of ASCII letters, digits and `_`
//  1 | pub struct X { r#type: f16, qs: [u8; 16] }
//    |                ^^^^^^
