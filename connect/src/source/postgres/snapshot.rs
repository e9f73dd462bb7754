//! Which transactions a snapshot shows.

/// What `pg_current_snapshot()` says, and where the log ended just after it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    xmin: u64,
    xmax: u64,
    /// Still running then; sorted.
    running: Vec<u64>,
    /// No transaction that it shows was committed behind this.
    pub(super) until: u64,
}

impl Snapshot {
    pub(super) fn parse(text: &str, until: u64) -> Option<Self> {
        let mut parts = text.split(':');
        let (xmin, xmax) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let running = parts
            .next()
            .unwrap_or("")
            .split(',')
            .filter(|x| !x.is_empty());
        let mut running: Vec<u64> = running.map(|x| x.parse().ok()).collect::<Option<_>>()?;
        running.sort_unstable();
        Some(Self {
            xmin,
            xmax,
            running,
            until,
        })
    }

    /// Whether what this transaction wrote is in the snapshot. The stream tells the lower half of
    /// its number; the upper half is that of a transaction near the snapshot.
    pub(super) fn shows(&self, xid: u32) -> bool {
        let near = self.xmax & !0xffff_ffff | u64::from(xid);
        let half = 1 << 31;
        let full = if near > self.xmax + half {
            near.wrapping_sub(1 << 32)
        } else if near + half < self.xmax {
            near + (1 << 32)
        } else {
            near
        };
        full < self.xmin || (full < self.xmax && self.running.binary_search(&full).is_err())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_running_is_not_shown() {
        let snapshot = Snapshot::parse("10:20:12,15", 0).unwrap();
        let shown: Vec<u32> = (8..22).filter(|xid| snapshot.shows(*xid)).collect();
        assert_eq!(shown, [8, 9, 10, 11, 13, 14, 16, 17, 18, 19]);
    }

    #[test]
    fn numbers_that_began_anew_are_told_apart() {
        let snapshot = Snapshot::parse("4294967290:4294967300:", 0).unwrap();
        assert!(snapshot.shows(u32::MAX));
        assert!(snapshot.shows(3));
        assert!(!snapshot.shows(4));
    }
}
