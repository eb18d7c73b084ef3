//! Values of settings as they are written and read. Nothing here repeats a value: it may be a secret.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use alloy_primitives::Address;
use precis_payment::Network;
use precis_payment::http::Credential;
use precis_protocol::encoding::lower_hex;

use crate::edge::ProxyNetwork;

/// The TOML type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A string.
    Text,
    /// An integer.
    Number,
    /// `true` or `false`.
    Switch,
}

/// A value as it was given.
#[derive(Clone, Debug)]
pub enum Raw {
    /// By a variable, or as a default: text without a type.
    Bare(String),
    /// In the file.
    One(Form, String),
    /// A list in the file.
    Many(Vec<Raw>),
    /// Of a type that no setting has: a table, a float, a date.
    Strange,
}

/// A type of settings.
pub trait Value: Sized {
    /// The TOML type.
    const FORM: Form;
    /// The type in two words or three.
    const NAME: &'static str;
    /// Spelling, where the name does not say it.
    const HOW: &'static str = "";
    /// Set if it must not stand in the file.
    const SECRET: bool = false;
    /// Set if it is a list.
    const LIST: bool = false;

    /// Reads one, if it is one.
    fn read(text: &str) -> Option<Self>;

    /// Reads one as it was given, if it is one.
    fn of(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::Bare(text) => Self::read(text),
            Raw::One(form, text) if *form == Self::FORM => Self::read(text),
            _ => None,
        }
    }

    /// The value where none is given and there is no default; none where one has to be given.
    fn absent() -> Option<Self> {
        None
    }
}

impl<T: Value> Value for Option<T> {
    const FORM: Form = T::FORM;
    const NAME: &'static str = T::NAME;
    const HOW: &'static str = T::HOW;
    const SECRET: bool = T::SECRET;
    const LIST: bool = T::LIST;

    fn read(text: &str) -> Option<Self> {
        T::read(text).map(Some)
    }

    fn of(raw: &Raw) -> Option<Self> {
        T::of(raw).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Value> Value for Vec<T> {
    const FORM: Form = T::FORM;
    const NAME: &'static str = T::NAME;
    const HOW: &'static str = T::HOW;
    const SECRET: bool = T::SECRET;
    const LIST: bool = true;

    /// In a variable, with commas between the entries.
    fn read(text: &str) -> Option<Self> {
        text.split(',').map(|entry| T::read(entry.trim())).collect()
    }

    fn of(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::Bare(text) => Self::read(text),
            Raw::Many(entries) => entries.iter().map(T::of).collect(),
            _ => None,
        }
    }

    fn absent() -> Option<Self> {
        Some(Vec::new())
    }
}

/// A value that is given by the environment or in a file of its own, and shown nowhere.
#[derive(Clone)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// The value.
    pub fn reveal(self) -> T {
        self.0
    }
}

impl<T> std::fmt::Debug for Secret<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

impl<T: Value> Value for Secret<T> {
    const FORM: Form = T::FORM;
    const NAME: &'static str = T::NAME;
    const HOW: &'static str = T::HOW;
    const SECRET: bool = true;

    fn read(text: &str) -> Option<Self> {
        T::read(text).map(Self)
    }
}

/// Most bytes of a text.
const MAX_TEXT_BYTES: usize = 1024;

fn text(text: &str) -> Option<String> {
    let sound = !text.is_empty() && text.len() <= MAX_TEXT_BYTES && !text.chars().any(char::is_control);
    sound.then(|| text.to_owned())
}

/// A type whose text `$read` reads.
macro_rules! value {
    ($type:ty, $form:ident, $name:literal, $how:literal, $read:expr) => {
        impl $crate::config::value::Value for $type {
            const FORM: $crate::config::value::Form = $crate::config::value::Form::$form;
            const NAME: &'static str = $name;
            const HOW: &'static str = $how;

            fn read(text: &str) -> Option<Self> {
                let read: fn(&str) -> Option<Self> = $read;
                read(text)
            }
        }
    };
}
pub(super) use value;

value!(String, Text, "text", "", text);
value!(PathBuf, Text, "a path", "", |path| text(path).map(Self::from));
value!(bool, Switch, "`true` or `false`", "", |text| text.parse().ok());
value!(u32, Number, "a whole number", "", |text| text.parse().ok());
value!(u64, Number, "a whole number", "", |text| text.parse().ok());
value!(u128, Number, "a whole number", "", |text| text.parse().ok());
value!(SocketAddr, Text, "a socket address", "an IP address and a port, such as `0.0.0.0:8080`", |text| text
    .parse()
    .ok());
value!(ProxyNetwork, Text, "an IP address or network", "such as `10.0.0.0/8`", |text| text.parse().ok());
value!(Network, Text, "a CAIP-2 network", "`eip155:` and a chain id, such as `eip155:8453`", |text| text.parse().ok());
value!([u8; 32], Text, "a digest", "64 lower-case hex digits", |text| lower_hex(text).ok());
value!(Credential, Text, "a header", "`Name: value`, such as `Authorization: Bearer …`", |text| text.parse().ok());
value!(Address, Text, "an address", "`0x` and 40 hex digits, and in mixed case with a right EIP-55 checksum", address);
value!(Duration, Text, "a duration", "a whole number and `s`, `m`, `h` or `d`, such as `90s`", duration);

fn address(text: &str) -> Option<Address> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 40)?;
    let mixed = digits.contains(|c: char| c.is_ascii_lowercase()) && digits.contains(|c: char| c.is_ascii_uppercase());
    if mixed { Address::parse_checksummed(text, None).ok() } else { text.parse().ok() }
}

/// Reads a duration of whole seconds.
pub fn duration(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let number = text.strip_suffix(unit).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_duration_has_a_unit() {
        for (text, seconds) in [("0s", 0), ("90s", 90), ("5m", 300), ("24h", 86_400), ("7d", 604_800)] {
            assert_eq!(duration(text).unwrap().as_secs(), seconds);
        }
        for text in ["", "s", "5", "-5s", "+5s", "5 s", "1.5s", "5S", "5ms", "1h30m", "18446744073709551615d", "5é"] {
            assert!(duration(text).is_none(), "{text}");
        }
    }

    #[test]
    fn an_address_in_mixed_case_has_a_checksum() {
        let right = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
        let all = [right.to_owned(), right.to_ascii_lowercase(), format!("0x{}", right[2..].to_ascii_uppercase())];
        assert!(all.iter().all(|text| Address::read(text) == Some(right.parse().unwrap())));
        for wrong in [right.replace('C', "c"), right[2..].to_owned(), right[..41].to_owned(), format!("{right}0")] {
            assert!(Address::read(&wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_list_has_commas_in_a_variable_and_is_a_list_in_the_file() {
        let bare = |text: &str| Vec::<u32>::of(&Raw::Bare(text.into()));
        assert_eq!(bare("1, 2,3").unwrap(), [1, 2, 3]);
        assert!(bare("1,,2").is_none() && bare("").is_none());
        let number = |text: &str| Raw::One(Form::Number, text.into());
        assert_eq!(Vec::<u32>::of(&Raw::Many(vec![number("1")])).unwrap(), [1]);
        assert!(Vec::<u32>::of(&number("1")).is_none() && u32::of(&Raw::One(Form::Text, "a 1".into())).is_none());
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::<String>::read("hush").unwrap()), "Secret(…)");
    }
}
