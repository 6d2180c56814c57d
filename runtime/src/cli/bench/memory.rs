//! Memory of this process, as the system counts it.

/// The most that was resident so far, in bytes, mapped files included; `None` where the system does
/// not tell.
pub(crate) fn peak() -> Option<u64> {
    of_status(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// `VmHWM` of Linux's `/proc/PID/status` (proc_pid_status(5)).
fn of_status(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_the_status() {
        assert_eq!(
            of_status("VmPeak:\t 99 kB\nVmHWM:\t    1084 kB\nVmRSS: 5 kB\n"),
            Some(1084 << 10)
        );
        assert_eq!(of_status("VmHWM:\t many kB"), None);
    }
}
