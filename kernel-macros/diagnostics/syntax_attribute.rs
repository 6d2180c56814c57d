#[derive(Default)]
pub struct X { d: f16, qs: [u8; 16] }
let q: [u4; 32] = qs.planes(16);
w[i] = d * q[i];

// error: a declaration takes doc comments and no other attributes
//  1 | #[derive(Default)]
//    | ^^^^^^^^^^^^^^^^^^
