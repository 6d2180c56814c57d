//! The tensor types that ggml and ik_llama.cpp have given a number, so that an error can name a type
//! this build cannot compute with. What it can compute with is not decided here but by
//! [`kernels::formats`]: a format declared there is supported, whatever this table says about its id.
//!
//! Numbers and names are those of `enum ggml_type` in ggml's `ggml.h` and ik_llama.cpp's.

/// What is to be said about a type that is not supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A mainline weight type.
    Weights,
    /// A plain integer or double.
    Plain,
    /// A form of activations, which belongs in memory and not in files.
    Activations,
    /// A number once used by ggml; files with it are from 2023 or 2024.
    Removed,
    /// A weight type of ik_llama.cpp only.
    Ik,
    /// A weight type of ik_llama.cpp with several rows interleaved.
    IkInterleaved,
    /// A number neither project has used.
    Unknown,
}

impl Kind {
    /// What to do about a tensor of an unsupported type of this kind.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Kind::Weights => {
                "requantize the model to a supported type such as Q4_K or Q8_0, or declare the \
                 format with quant_format!"
            }
            Kind::Plain => "convert the tensor to F32 when the model is converted",
            Kind::Activations => {
                "it is a form of activations that no file should hold; convert the model again"
            }
            Kind::Removed => {
                "the type was removed from ggml; quantize the model again from its original weights"
            }
            Kind::Ik => {
                "it is a type of ik_llama.cpp; requantize the model to a mainline type such as \
                 Q4_K or Q6_K, or declare the format with quant_format!"
            }
            Kind::IkInterleaved => {
                "it is an interleaved type of ik_llama.cpp; use the file from before repacking"
            }
            Kind::Unknown => {
                "the file is damaged or newer than this build; update, or requantize the model to \
                 a supported type such as Q4_K"
            }
        }
    }
}

/// Every number in use, by kind. 36 was IQ4_NL_4_4 in ggml and is I2_S in ik_llama.cpp.
#[rustfmt::skip]
const TYPES: &[(Kind, &[(u32, &str)])] = &[
    (Kind::Weights, &[
        (0, "F32"), (1, "F16"), (2, "Q4_0"), (3, "Q4_1"), (6, "Q5_0"), (7, "Q5_1"), (8, "Q8_0"),
        (10, "Q2_K"), (11, "Q3_K"), (12, "Q4_K"), (13, "Q5_K"), (14, "Q6_K"), (16, "IQ2_XXS"),
        (17, "IQ2_XS"), (18, "IQ3_XXS"), (19, "IQ1_S"), (20, "IQ4_NL"), (21, "IQ3_S"),
        (22, "IQ2_S"), (23, "IQ4_XS"), (29, "IQ1_M"), (30, "BF16"), (34, "TQ1_0"), (35, "TQ2_0"),
        (39, "MXFP4"), (40, "NVFP4"), (41, "Q1_0"), (42, "Q2_0"),
    ]),
    (Kind::Plain, &[(24, "I8"), (25, "I16"), (26, "I32"), (27, "I64"), (28, "F64")]),
    (Kind::Activations, &[
        (9, "Q8_1"), (15, "Q8_K"), (97, "Q8_0_X4"), (98, "Q8_1_X4"), (99, "Q8_2_X4"),
        (136, "Q8_K64"), (147, "Q8_K16"), (148, "Q8_K32"), (149, "Q8_KR8"), (150, "Q8_K128"),
        (151, "Q8_KV"),
    ]),
    (Kind::Removed, &[
        (4, "Q4_2"), (5, "Q4_3"), (31, "Q4_0_4_4"), (32, "Q4_0_4_8"), (33, "Q4_0_8_8"),
        (37, "IQ4_NL_4_8"), (38, "IQ4_NL_8_8"),
    ]),
    (Kind::Ik, &[
        (36, "I2_S"), (133, "Q6_0"), (134, "IQ1_BN"), (135, "IQ2_BN"), (137, "IQ2_K"),
        (138, "IQ3_K"), (139, "IQ4_K"), (140, "IQ5_K"), (141, "IQ6_K"), (144, "IQ4_KS"),
        (145, "IQ2_KS"), (146, "IQ4_KSS"), (152, "IQ5_KS"), (153, "IQ2_KT"), (154, "IQ3_KT"),
        (155, "IQ4_KT"), (156, "IQ3_KS"), (157, "IQ2_KL"), (158, "IQ1_KT"),
    ]),
    (Kind::IkInterleaved, &[
        (202, "Q4_0_R8"), (206, "Q5_0_R4"), (208, "Q8_0_R8"), (210, "Q2_K_R4"), (211, "Q3_K_R4"),
        (212, "Q4_K_R4"), (213, "Q5_K_R4"), (214, "Q6_K_R4"), (216, "IQ2_XXS_R4"),
        (217, "IQ2_XS_R4"), (218, "IQ3_XXS_R4"), (219, "IQ1_S_R4"), (220, "IQ4_NL_R4"),
        (221, "IQ3_S_R4"), (222, "IQ2_S_R4"), (223, "IQ4_XS_R8"), (229, "IQ1_M_R4"),
        (230, "BF16_R16"), (233, "Q6_0_R4"), (335, "IQ2_BN_R4"), (337, "IQ2_K_R4"),
        (338, "IQ3_K_R4"), (339, "IQ4_K_R4"), (340, "IQ5_K_R4"), (344, "IQ4_KS_R4"),
        (352, "IQ5_KS_R4"), (353, "MXFP4_R8"), (397, "Q8_K_R16"), (398, "Q8_KV_R8"),
        (399, "Q8_K_R8"),
    ]),
];

/// The name and the kind of the type with number `id`.
pub(crate) fn known(id: u32) -> (&'static str, Kind) {
    for (kind, types) in TYPES {
        if let Some((_, name)) = types.iter().find(|(known, _)| *known == id) {
            return (name, *kind);
        }
    }
    ("unknown", Kind::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_stands_twice() {
        let mut ids: Vec<u32> = TYPES.iter().flat_map(|row| row.1).map(|row| row.0).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }

    #[test]
    fn names_agree_with_the_formats_that_are_supported() {
        for id in 0..1024 {
            let (name, kind) = known(id);
            let format = kernels::formats::by_ggml_type(id);
            if let Some(format) = format.filter(|_| kind != Kind::Unknown) {
                assert_eq!(name, format.name, "id {id}");
            }
        }
    }

    #[test]
    fn a_number_nobody_uses_is_unknown() {
        assert_eq!(known(43), ("unknown", Kind::Unknown));
        assert_eq!(known(u32::MAX), ("unknown", Kind::Unknown));
    }
}
