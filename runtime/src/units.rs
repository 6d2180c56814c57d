//! Numbers as people read them.

/// Bytes: `3.83 GiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    match (bytes.max(1).ilog2() / 10).min(4) {
        0 => format!("{bytes} bytes"),
        power => {
            let unit = (1u64 << (10 * power)) as f64;
            format!("{:.2} {}", bytes as f64 / unit, UNITS[power as usize])
        }
    }
}
