//! Where a request comes from, as far as it can be believed.

use std::net::IpAddr;
use std::str::FromStr;

use axum::http::HeaderMap;
use ipnet::IpNet;

/// `X-Forwarded-For`, which every proxy extends on the right.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// Bits of an IPv6 address that name a network; who has one can use any address in it.
const V6_NETWORK_BITS: u32 = 64;

/// A caller's address: all of IPv4, the network of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source(IpAddr);

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::from((v6.to_bits() & (u128::MAX << (128 - V6_NETWORK_BITS))).to_be_bytes()),
            v4 => v4,
        })
    }
}

/// A network in the settings: `10.0.0.0/8`, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl FromStr for Network {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network.map(Self).map_err(|_| "is an address or a network such as 10.0.0.0/8")
    }
}

/// Proxies whose `X-Forwarded-For` is believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// Those of the settings.
    #[must_use]
    pub fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    /// Whether it is one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|Network(network)| network.contains(&address))
    }

    /// Who sent a request that came in from `peer`: the last address that a trusted proxy vouches for, and is not a trusted
    /// proxy itself. What stands before it, anybody can have written.
    #[must_use]
    pub fn source(&self, peer: IpAddr, headers: &HeaderMap) -> Source {
        if !self.contains(peer) {
            return peer.into();
        }
        let lines: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
        let mut last = peer;
        for line in lines.into_iter().rev() {
            for hop in line.to_str().unwrap_or_default().rsplit(',') {
                let Some(address) = address(hop.trim()) else { return last.into() };
                last = address;
                if !self.contains(address) {
                    return last.into();
                }
            }
        }
        last.into()
    }
}

/// An address as proxies write it: bare, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.split(']').next()).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn seen(trusted: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let trusted = TrustedProxies::new(trusted.iter().map(|text| text.parse().unwrap()).collect());
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        let Source(address) = trusted.source(peer.parse().unwrap(), &headers);
        address.to_string()
    }

    #[test]
    fn only_a_proxy_that_the_settings_name_says_who_somebody_is() {
        let proxies = ["10.0.0.0/8", "2001:db8::1"];
        assert_eq!(seen(&[], "203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(seen(&proxies, "203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(seen(&proxies, "10.1.2.3", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen(&proxies, "::ffff:10.1.2.3", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen(&proxies, "2001:db8::1", &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(seen(&proxies, "10.1.2.3", &["[2001:db8:7:8:9::1]:443"]), "2001:db8:7:8::");
    }

    #[test]
    fn what_a_caller_writes_into_the_header_itself_is_not_believed() {
        let proxies = ["10.0.0.0/8"];
        assert_eq!(seen(&proxies, "10.1.2.3", &["1.1.1.1, 198.51.100.1, 10.9.9.9"]), "198.51.100.1");
        assert_eq!(seen(&proxies, "10.1.2.3", &["1.1.1.1", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen(&proxies, "10.1.2.3", &["1.1.1.1, nonsense"]), "10.1.2.3");
        assert_eq!(seen(&proxies, "10.1.2.3", &[]), "10.1.2.3");
        assert_eq!(seen(&proxies, "10.1.2.3", &["10.4.4.4"]), "10.4.4.4");
    }

    #[test]
    fn a_network_is_a_network_or_an_address() {
        assert!("10.0.0.0/8".parse::<Network>().is_ok() && "::1".parse::<Network>().is_ok());
        assert!("10.0.0.0/33".parse::<Network>().is_err() && "proxy.example".parse::<Network>().is_err());
    }

    #[test]
    fn whoever_has_an_ipv6_network_is_one_source() {
        let of = |text: &str| Source::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
