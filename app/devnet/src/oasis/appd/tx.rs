//! `tx/sign-submit`: the daemon's checks of a transaction, up to the point where it would ask its
//! node. That node does not exist here, and the answer says so as the daemon would.

use alloy_primitives::U256;
use ciborium::Value;
use http::StatusCode;
use serde::{Deserialize, Deserializer, de::Error};

use super::answer::{Answer, NO_RUNTIME};

/// Methods that applications may call (oasis-sdk rofl-appd/src/routes/tx.rs).
const ALLOWED_METHODS: [&str; 10] = [
    "accounts.Transfer",
    "consensus.Deposit",
    "consensus.Withdraw",
    "consensus.Delegate",
    "consensus.Undelegate",
    "evm.Call",
    "evm.Create",
    "rofl.Create",
    "rofl.Update",
    "rofl.Remove",
];

/// Bytes as hex without prefix.
pub(super) struct Hex(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(text).map(Self).map_err(D::Error::custom)
    }
}

/// Bytes as hex with an optional prefix, which must not stand alone.
struct PrefixedHex(Vec<u8>);

impl<'de> Deserialize<'de> for PrefixedHex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        if digits == Some("") {
            return Err(D::Error::custom("a prefix without digits"));
        }
        hex::decode(digits.unwrap_or(&text)).map(Self).map_err(D::Error::custom)
    }
}

#[derive(Deserialize)]
pub(super) struct SignSubmitRequest {
    tx: Transaction,
    #[serde(rename = "encrypt", default = "encrypt_by_default")]
    _encrypt: bool,
}

fn encrypt_by_default() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(tag = "kind", content = "data")]
enum Transaction {
    #[serde(rename = "std")]
    Std(Hex),
    #[serde(rename = "eth")]
    Eth {
        gas_limit: Number,
        to: PrefixedHex,
        value: Number,
        #[serde(rename = "data")]
        _data: PrefixedHex,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Number(u64),
    Text(String),
}

impl Number {
    /// Checks a number, or decimal or 0x-prefixed hexadecimal text, of at most `bits`.
    fn check(&self, bits: usize, name: &str, wrong: &str) -> Result<(), String> {
        let number = match self {
            Self::Number(number) => Some(U256::from(*number)),
            Self::Text(text) => parse(text, name)?,
        };
        match number {
            Some(number) if number.bit_len() <= bits => Ok(()),
            _ => Err(wrong.to_owned()),
        }
    }
}

/// None for digits that are none of the radix or too many for 256 bits.
fn parse(text: &str, name: &str) -> Result<Option<U256>, String> {
    if text.is_empty() {
        return Err(format!("{name} string must not be empty"));
    }
    if text.contains(char::is_whitespace) {
        return Err(format!("{name} string must not contain whitespace"));
    }
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (radix, digits) = hex.map_or((10, text), |digits| (16, digits));
    if digits.is_empty() {
        return Err(format!("{name} string must contain digits"));
    }
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(plain.then(|| U256::from_str_radix(digits, radix).ok()).flatten())
}

pub(super) fn sign_submit(request: SignSubmitRequest) -> Answer {
    let reason = check(&request.tx).err().unwrap_or_else(|| NO_RUNTIME.to_owned());
    Answer::Text(StatusCode::BAD_REQUEST, reason)
}

fn check(tx: &Transaction) -> Result<(), String> {
    match tx {
        Transaction::Std(Hex(bytes)) => check_std(bytes),
        Transaction::Eth { gas_limit, to, value, .. } => {
            let gas = "gas_limit is not a valid unsigned 64-bit integer";
            gas_limit.check(64, "gas_limit", gas)?;
            let amount = "transaction value string is not a valid unsigned integer";
            value.check(256, "transaction value", amount)?;
            match to.0.len() {
                0 | 20 => Ok(()),
                _ => Err("malformed address".to_owned()),
            }
        }
    }
}

fn check_std(bytes: &[u8]) -> Result<(), String> {
    let tx: Value = ciborium::from_reader(bytes).map_err(|_| "parsing failed".to_owned())?;
    if !tx.is_map() {
        return Err("unexpected type".to_owned());
    }
    let member = |map: &Value, name: &str| {
        map.as_map()?.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, v)| v.clone())
    };
    let call = member(&tx, "call").unwrap_or(Value::Null);
    let format = member(&call, "format").and_then(|format| format.as_integer());
    if format.is_some_and(|format| format != 0.into()) {
        return Err("use the encrypt flag for encryption".to_owned());
    }
    let method = member(&call, "method");
    let method = method.as_ref().and_then(Value::as_text).unwrap_or_default();
    match ALLOWED_METHODS.contains(&method) {
        true => Ok(()),
        false => Err("transaction method not allowed".to_owned()),
    }
}
