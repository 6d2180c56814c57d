impl ::core::default::Default for Params {
    fn default() -> Self {
        Self { rows: 4, prefetch: 0 }
    }
}
impl ::kernels::params::Tunable for Params {
    const KNOBS: &'static [::kernels::params::Knob] = &[
        ::kernels::params::Knob {
            name: "rows",
            manual: "Weight rows per register tile. Each load of activations is used so often.",
            choices: &[1, 2, 4],
            default: 4,
            compiled: true,
        },
        ::kernels::params::Knob {
            name: "prefetch",
            manual: "Blocks fetched ahead of use.",
            choices: &[0, 2, 4, 8],
            default: 0,
            compiled: false,
        },
    ];
    fn get(&self, knob: &str) -> ::core::option::Option<u32> {
        match knob {
            "rows" => ::core::option::Option::Some(u32::from(self.rows)),
            "prefetch" => ::core::option::Option::Some(u32::from(self.prefetch)),
            _ => ::core::option::Option::None,
        }
    }
    fn set(&mut self, knob: &str, value: u32) -> bool {
        match knob {
            "rows" => {
                match <u8>::try_from(value) {
                    ::core::result::Result::Ok(value) => {
                        self.rows = value;
                        true
                    }
                    ::core::result::Result::Err(_) => false,
                }
            }
            "prefetch" => {
                match <u16>::try_from(value) {
                    ::core::result::Result::Ok(value) => {
                        self.prefetch = value;
                        true
                    }
                    ::core::result::Result::Err(_) => false,
                }
            }
            _ => false,
        }
    }
}
