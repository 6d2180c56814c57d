//! Which machine this is.
//!
//! A machine's *class* is what decides which kernels are fast: architecture, maker, family and
//! model of the processor, and the best instruction set that the operating system lets through.
//! Clock and memory are not in it; that a machine of the same class is faster or slower moves all
//! kernels alike, or shows in the measured peaks. The brand string is not in it either: it names
//! the same silicon in many ways, and guests of a cloud get to see a mask.

use serde::{Deserialize, Serialize};

use super::file::Advisory;

/// Facts about a machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Such as `x86_64-amd-26-2-avx512vnni`: what must agree for a profile to be used.
    pub class: String,
    /// Architecture, as Rust names it.
    #[serde(default)]
    pub arch: String,
    /// Maker of the processor: `amd`, `intel`, or what it calls itself.
    #[serde(default)]
    pub vendor: String,
    /// Family of the processor; on Arm the implementer.
    #[serde(default)]
    pub family: u32,
    /// Model within the family; on Arm the part.
    #[serde(default)]
    pub model: u32,
    /// Revision of the model.
    #[serde(default)]
    pub stepping: u32,
    /// The instruction sets of this build that the machine has, the best first.
    #[serde(default)]
    pub isa: Vec<String>,
    /// First-level data cache of a core, KiB; 0 if unknown, as for the others.
    #[serde(default)]
    pub l1d_kib: usize,
    /// Second-level cache of a core, KiB.
    #[serde(default)]
    pub l2_kib: usize,
    /// Third-level cache, KiB, which strangers may share.
    #[serde(default)]
    pub l3_kib: usize,
    /// CPUs that the scheduler and the control group let this process use.
    #[serde(default)]
    pub cpus_usable: usize,
    /// Facts for people.
    #[serde(default)]
    pub advisory: Advisory,
}

/// What this machine is. Reads a few small files; keeps nothing.
#[must_use]
pub fn machine() -> Fingerprint {
    let arch = std::env::consts::ARCH.to_owned();
    let Processor { vendor, family, model, stepping, brand } = processor();
    let isa: Vec<String> =
        kernels::isa::supported().iter().map(|isa| isa.name.to_owned()).collect();
    let best = isa.first().map_or("scalar", String::as_str);
    let class = format!("{arch}-{vendor}-{family}-{model}-{best}");
    let [l1d_kib, l2_kib, l3_kib] = caches();
    let cpus_usable = std::thread::available_parallelism().map_or(1, usize::from);
    let advisory = Advisory { brand, os: std::env::consts::OS.to_owned() };
    Fingerprint {
        class,
        arch,
        vendor,
        family,
        model,
        stepping,
        isa,
        l1d_kib,
        l2_kib,
        l3_kib,
        cpus_usable,
        advisory,
    }
}

struct Processor {
    vendor: String,
    family: u32,
    model: u32,
    stepping: u32,
    brand: String,
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
fn processor() -> Processor {
    let cpu = raw_cpuid::CpuId::new();
    let vendor = match cpu.get_vendor_info() {
        Some(vendor) => match vendor.as_str() {
            "AuthenticAMD" => "amd".to_owned(),
            "GenuineIntel" => "intel".to_owned(),
            other => plain(other),
        },
        None => "unknown".to_owned(),
    };
    let features = cpu.get_feature_info();
    let number = |of: fn(&raw_cpuid::FeatureInfo) -> u8| features.as_ref().map_or(0, of).into();
    let brand = cpu.get_processor_brand_string();
    Processor {
        vendor,
        family: number(raw_cpuid::FeatureInfo::family_id),
        model: number(raw_cpuid::FeatureInfo::model_id),
        stepping: number(raw_cpuid::FeatureInfo::stepping_id),
        brand: brand.map_or_else(String::new, |brand| brand.as_str().trim().to_owned()),
    }
}

/// Elsewhere what Linux says about the first processor, if it is Linux.
#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
fn processor() -> Processor {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
    };
    let number = |name: &str| {
        let value = field(name).unwrap_or_default();
        let hex = value.strip_prefix("0x").map(|digits| u32::from_str_radix(digits, 16));
        hex.unwrap_or_else(|| value.parse()).unwrap_or(0)
    };
    let family = number("CPU implementer");
    // The implementers of Arm's own register, MIDR_EL1.
    let vendor = match family {
        0x41 => "arm".to_owned(),
        0x61 => "apple".to_owned(),
        0xC0 => "ampere".to_owned(),
        _ => plain(&field("vendor_id").unwrap_or_else(|| "unknown".to_owned())),
    };
    Processor {
        vendor,
        family,
        model: number("CPU part"),
        stepping: number("CPU revision"),
        brand: field("model name").unwrap_or_default(),
    }
}

/// Letters and digits only: the class is a file name.
fn plain(name: &str) -> String {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    plain.to_ascii_lowercase()
}

/// First-level data, second-level and third-level cache in KiB; 0 where nothing is known.
fn caches() -> [usize; 3] {
    let found = caches_of_linux();
    if found == [0; 3] { caches_of_cpuid() } else { found }
}

fn caches_of_linux() -> [usize; 3] {
    let mut found = [0; 3];
    for index in 0..8 {
        let read = |name: &str| {
            let path = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{name}");
            std::fs::read_to_string(path).map(|text| text.trim().to_owned()).ok()
        };
        let (Some(kind), Some(level), Some(size)) = (read("type"), read("level"), read("size"))
        else {
            break;
        };
        let Some(kib) = size.strip_suffix('K').and_then(|kib| kib.parse().ok()) else { continue };
        match (level.as_str(), kind.as_str()) {
            (_, "Instruction") => {}
            ("1", _) => found[0] = kib,
            ("2", _) => found[1] = kib,
            ("3", _) => found[2] = kib,
            _ => {}
        }
    }
    found
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
fn caches_of_cpuid() -> [usize; 3] {
    let mut found = [0; 3];
    let caches = raw_cpuid::CpuId::new().get_cache_parameters();
    for cache in caches.into_iter().flatten() {
        let instructions = cache.cache_type() == raw_cpuid::CacheType::Instruction;
        if let (false, Some(slot)) = (instructions, found.get_mut(usize::from(cache.level()) - 1)) {
            let line = cache.coherency_line_size() * cache.physical_line_partitions();
            *slot = (cache.sets() * cache.associativity() * line) >> 10;
        }
    }
    found
}

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
fn caches_of_cpuid() -> [usize; 3] {
    [0; 3]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_a_file_name_and_stays_the_same() {
        let found = machine();
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert!(found.class.chars().all(allowed), "{}", found.class);
        assert!(found.class.starts_with(std::env::consts::ARCH));
        assert!(found.cpus_usable >= 1);
        assert_eq!(found, machine());
    }
}
