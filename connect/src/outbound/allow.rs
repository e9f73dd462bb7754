//! The operator's list of hosts and networks inside that may be reached all the same.
//!
//! Deliberately not here: patterns of names. A host is named in full, so that nobody who can
//! make a name below a domain can add to the list.

use super::range::{Inward, plain};
use std::net::IpAddr;

/// Entries of one list.
pub const MAX_ENTRIES: usize = 64;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList {
    hosts: Vec<String>,
    networks: Vec<Network>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u8,
}

impl AllowList {
    /// Each entry is a host (`sms.corp.example`), an address, or a network (`10.20.0.0/16`).
    /// The error says which entry is wrong, and how to write it.
    pub fn parse<S: AsRef<str>>(entries: &[S]) -> Result<Self, String> {
        if entries.len() > MAX_ENTRIES {
            return Err(format!("`allow` has at most {MAX_ENTRIES} entries"));
        }
        let mut list = Self::default();
        for entry in entries {
            let entry = entry.as_ref();
            match Network::parse(entry)? {
                Some(network) => list.networks.push(network),
                None => list.hosts.push(host(entry)?),
            }
        }
        Ok(list)
    }

    pub fn names_host(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.');
        self.hosts.iter().any(|h| h.eq_ignore_ascii_case(host))
    }

    pub fn names_address(&self, address: IpAddr) -> bool {
        let address = plain(address);
        self.networks.iter().any(|n| n.contains(address))
    }

    /// Whether an address inside may be reached under this name.
    pub(super) fn permits(&self, host: &str, address: IpAddr, inward: Inward) -> bool {
        self.names_address(address) || (!inward.needs_network() && self.names_host(host))
    }
}

impl Network {
    fn parse(entry: &str) -> Result<Option<Self>, String> {
        let (address, bits) = match entry.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (entry, None),
        };
        let bare = address.trim_start_matches('[').trim_end_matches(']');
        let Ok(address) = bare.parse::<IpAddr>() else {
            return match bits {
                Some(_) => Err(wrong(entry)),
                None => Ok(None),
            };
        };
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => bits.parse().map_err(|_| wrong(entry))?,
        };
        let network = Self { address, bits };
        if bits > most || network.masked(address) != network.number(address) {
            return Err(wrong(entry));
        }
        Ok(Some(network))
    }

    fn contains(self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4()
            && self.masked(address) == self.number(self.address)
    }

    fn number(self, address: IpAddr) -> u128 {
        match address {
            IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
            IpAddr::V6(v6) => v6.to_bits(),
        }
    }

    fn masked(self, address: IpAddr) -> u128 {
        let mask = u128::MAX
            .checked_shl(128 - u32::from(self.bits))
            .unwrap_or(0);
        self.number(address) & mask
    }
}

fn host(entry: &str) -> Result<String, String> {
    let name = entry.trim_end_matches('.');
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && l.chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    // What ends in a number is an address in one of its odd spellings, not a name.
    let numeric = name
        .rsplit('.')
        .next()
        .is_none_or(|l| l.starts_with(|c: char| c.is_ascii_digit()));
    if name.len() > 253 || numeric || !name.split('.').all(label) {
        return Err(wrong(entry));
    }
    Ok(name.to_ascii_lowercase())
}

fn wrong(entry: &str) -> String {
    format!(
        "`{}` in `allow` is neither a host (sms.corp.example), an address (10.20.3.4) nor a network (10.20.0.0/16)",
        entry.escape_debug()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_own_and_nothing_beside() {
        let list =
            AllowList::parse(&["10.20.0.0/16", "192.0.2.7", "fd12::/16", "0.0.0.0/0"]).unwrap();
        let narrow = AllowList::parse(&["10.20.0.0/16", "192.0.2.7", "fd12::/16"]).unwrap();
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        for inside in [
            "10.20.0.0",
            "10.20.255.255",
            "::ffff:10.20.1.1",
            "192.0.2.7",
            "fd12::1",
        ] {
            assert!(narrow.names_address(at(inside)), "{inside}");
        }
        for outside in [
            "10.21.0.0",
            "10.19.255.255",
            "192.0.2.8",
            "fd13::1",
            "a14::",
        ] {
            assert!(!narrow.names_address(at(outside)), "{outside}");
        }
        assert!(list.names_address(at("8.8.8.8")));
        assert!(!list.names_address(at("2400::1")));
    }

    #[test]
    fn a_host_is_named_in_full() {
        let list = AllowList::parse(&["SMS.corp.example"]).unwrap();
        assert!(list.names_host("sms.corp.example") && list.names_host("sms.corp.example."));
        assert!(!list.names_host("x.sms.corp.example") && !list.names_host("corp.example"));
    }

    #[test]
    fn what_is_neither_is_refused() {
        for bad in [
            "",
            "*",
            "*.corp.example",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "10.0.0.0/-1",
            "host/8",
            "0x7f.1",
            "2130706433",
            "0177.0.0.1",
            "a b",
            "http://x",
            "x:80",
            "fe80::/200",
        ] {
            assert!(AllowList::parse(&[bad]).is_err(), "{bad}");
        }
        assert!(AllowList::parse(&vec!["a.example"; MAX_ENTRIES + 1]).is_err());
    }

    #[test]
    fn the_name_alone_never_opens_metadata() {
        let list = AllowList::parse(&["hook.corp.example"]).unwrap();
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(list.permits("hook.corp.example", at("10.0.0.1"), Inward::Private));
        assert!(!list.permits("hook.corp.example", at("169.254.169.254"), Inward::Metadata));
        assert!(!list.permits("other.example", at("10.0.0.1"), Inward::Private));
    }
}
