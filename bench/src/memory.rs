//! Resident memory of a process as Linux accounts it.

/// Resident and peak resident size in MiB of a process (`self` or a pid), from `/proc`.
/// `None` where there is no such file.
pub fn resident_mib(process: &str) -> Option<(f64, f64)> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let field = |name: &str| {
        let line = status.lines().find(|l| l.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok()
    };
    Some((field("VmRSS:")? / 1024.0, field("VmHWM:")? / 1024.0))
}

#[cfg(test)]
mod tests {
    #[test]
    fn our_own_memory_is_known() {
        let (now, peak) = super::resident_mib("self").unwrap();
        assert!(now > 0.5 && peak >= now * 0.9, "{now} {peak}");
        assert_eq!(super::resident_mib("no-such-process"), None);
    }
}
