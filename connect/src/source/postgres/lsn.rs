//! Positions in the server's log, as it writes them: two hexadecimal halves.

pub(super) fn shown(lsn: u64) -> String {
    format!("{:X}/{:X}", lsn >> 32, lsn & 0xffff_ffff)
}

pub(super) fn parse(text: &str) -> Option<u64> {
    let (high, low) = text.split_once('/')?;
    let half = |h| u32::from_str_radix(h, 16).ok();
    Some(u64::from(half(high)?) << 32 | u64::from(half(low)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_comes_back_from_its_text() {
        for lsn in [0, 1, 0x16_b374_d848, u64::MAX] {
            assert_eq!(parse(&shown(lsn)), Some(lsn));
        }
        assert_eq!(parse("16/B374D848"), Some(0x16_b374_d848));
        assert_eq!(parse("16"), None);
    }
}
