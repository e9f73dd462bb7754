//! Which addresses an outgoing request may not reach unless the operator says so.
//!
//! Deliberately not here: names (`allow`), and when an address is looked at (`guard`).
//! The ranges are those of the IANA special-purpose registries (RFC 6890 and its successors).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is no place to send to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inward {
    /// Hands out the machine's own credentials in a cloud.
    Metadata,
    Loopback,
    /// RFC 1918, unique local IPv6, carrier-grade NAT.
    Private,
    LinkLocal,
    Multicast,
    /// Unspecified, documentation, benchmarks, tunnels, broadcast, not assigned.
    Reserved,
}

impl Inward {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Metadata => "a cloud's metadata address",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::LinkLocal => "a link-local address",
            Self::Multicast => "a multicast address",
            Self::Reserved => "a reserved address",
        }
    }

    /// Naming a host is enough for an address inside; these want the address itself to be named,
    /// so that whoever answers for the name cannot point it there.
    pub const fn needs_network(self) -> bool {
        !matches!(self, Self::Loopback | Self::Private)
    }
}

/// `None` for an address of the public internet.
pub fn inward(address: IpAddr) -> Option<Inward> {
    match address {
        IpAddr::V4(v4) => inward_v4(v4),
        IpAddr::V6(v6) => inward_v6(v6),
    }
}

/// The address that the kernel would connect to: IPv4 in IPv6 clothes is undressed.
pub fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// Alibaba Cloud, Azure's wire server, Oracle; AWS, Google, Tencent and the others are link-local.
const METADATA: [Ipv4Addr; 4] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];

fn inward_v4(v4: Ipv4Addr) -> Option<Inward> {
    let octets = v4.octets();
    let found = match octets {
        _ if METADATA.contains(&v4) => Inward::Metadata,
        [127, ..] => Inward::Loopback,
        [10, ..] | [192, 168, ..] => Inward::Private,
        [172, second, ..] if second & 0xf0 == 16 => Inward::Private,
        [100, second, ..] if second & 0xc0 == 64 => Inward::Private,
        [169, 254, ..] => Inward::LinkLocal,
        [first, ..] if first & 0xf0 == 224 => Inward::Multicast,
        [0, ..] | [240..=255, ..] => Inward::Reserved,
        // Protocol assignments, documentation, old 6to4 relays, benchmarks.
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Inward::Reserved,
        [192, 88, 99, _] | [198, 18 | 19, ..] => Inward::Reserved,
        _ => return None,
    };
    Some(found)
}

/// Amazon's metadata service over IPv6.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

fn inward_v6(v6: Ipv6Addr) -> Option<Inward> {
    if let Some(v4) = v6.to_ipv4_mapped() {
        return inward_v4(v4);
    }
    let s = v6.segments();
    let found = match s {
        _ if v6 == METADATA_V6 => Inward::Metadata,
        _ if v6.is_loopback() => Inward::Loopback,
        _ if s[0] & 0xfe00 == 0xfc00 => Inward::Private,
        _ if s[0] & 0xffc0 == 0xfe80 || s[0] & 0xffc0 == 0xfec0 => Inward::LinkLocal,
        _ if s[0] & 0xff00 == 0xff00 => Inward::Multicast,
        // NAT64 (RFC 6052): a public IPv4 address behind a translator.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            return inward_v4(Ipv4Addr::new(a, b, c, d));
        }
        // Only 2000::/3 is given out, and of it not the protocol assignments with Teredo
        // (2001::/23), documentation and 6to4, which carries an IPv4 address inside.
        _ if s[0] & 0xe000 != 0x2000 => Inward::Reserved,
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => Inward::Reserved,
        [0x2002, ..] => Inward::Reserved,
        [0x3fff, second, ..] if second < 0x1000 => Inward::Reserved,
        _ => return None,
    };
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_is_refused_at_its_edges_and_not_beside_them() {
        use Inward::*;
        let table: &[(&str, Option<Inward>)] = &[
            ("0.0.0.0", Some(Reserved)),
            ("0.255.255.255", Some(Reserved)),
            ("1.0.0.0", None),
            ("9.255.255.255", None),
            ("10.0.0.0", Some(Private)),
            ("10.255.255.255", Some(Private)),
            ("11.0.0.0", None),
            ("100.63.255.255", None),
            ("100.64.0.0", Some(Private)),
            ("100.100.100.200", Some(Metadata)),
            ("100.127.255.255", Some(Private)),
            ("100.128.0.0", None),
            ("126.255.255.255", None),
            ("127.0.0.1", Some(Loopback)),
            ("127.255.255.255", Some(Loopback)),
            ("128.0.0.0", None),
            ("168.63.129.16", Some(Metadata)),
            ("169.253.255.255", None),
            ("169.254.169.254", Some(Metadata)),
            ("169.254.0.23", Some(LinkLocal)),
            ("169.255.0.0", None),
            ("172.15.255.255", None),
            ("172.16.0.0", Some(Private)),
            ("172.31.255.255", Some(Private)),
            ("172.32.0.0", None),
            ("192.0.0.1", Some(Reserved)),
            ("192.0.0.192", Some(Metadata)),
            ("192.0.1.1", None),
            ("192.0.2.9", Some(Reserved)),
            ("192.88.99.1", Some(Reserved)),
            ("192.167.255.255", None),
            ("192.168.0.0", Some(Private)),
            ("192.169.0.0", None),
            ("198.17.255.255", None),
            ("198.18.0.0", Some(Reserved)),
            ("198.19.255.255", Some(Reserved)),
            ("198.51.100.1", Some(Reserved)),
            ("203.0.113.255", Some(Reserved)),
            ("223.255.255.255", None),
            ("224.0.0.1", Some(Multicast)),
            ("239.255.255.255", Some(Multicast)),
            ("240.0.0.1", Some(Reserved)),
            ("255.255.255.255", Some(Reserved)),
            ("::", Some(Reserved)),
            ("::1", Some(Loopback)),
            ("::127.0.0.1", Some(Reserved)),
            ("::ffff:127.0.0.1", Some(Loopback)),
            ("::ffff:10.1.2.3", Some(Private)),
            ("::ffff:169.254.169.254", Some(Metadata)),
            ("::ffff:8.8.8.8", None),
            ("64:ff9b::a00:1", Some(Private)),
            ("64:ff9b::808:808", None),
            ("64:ff9b:1::1", Some(Reserved)),
            ("100::1", Some(Reserved)),
            ("2001::1", Some(Reserved)),
            ("2001:db8::1", Some(Reserved)),
            ("2001:4860:4860::8888", None),
            ("2002:7f00:1::1", Some(Reserved)),
            ("2400:3200::1", None),
            ("3fff::1", Some(Reserved)),
            ("fc00::1", Some(Private)),
            ("fd00:ec2::254", Some(Metadata)),
            ("fe80::1", Some(LinkLocal)),
            ("fec0::1", Some(LinkLocal)),
            ("ff02::1", Some(Multicast)),
        ];
        for (text, expected) in table {
            let address = text.parse().unwrap();
            assert_eq!(inward(address), *expected, "{text}");
        }
    }
}
