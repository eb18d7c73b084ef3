//! What the chain has of an app and of one of its instances, as a node tells it: `rofl.App` and `rofl.AppInstance` of the runtime.

use std::collections::BTreeMap;

use ciborium::Value;

use crate::grpc::{Node, NodeError};

/// Words of the runtime for what it does not have (module rofl).
const UNKNOWN: [&str; 2] = ["unknown application", "unknown instance"];
/// Longest list or map read, count: identities and secrets of one app are far fewer.
const MAX_ENTRIES: usize = 1_024;

/// An app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Enclave identities that may register: `mr_enclave` of each.
    pub identities: Vec<[u8; 32]>,
    /// Most epochs that a registration may live.
    pub max_expiration: u64,
    /// The account that can change the app.
    pub admin: Option<[u8; 21]>,
    /// Names of the app's secrets.
    pub secrets: Vec<String>,
}

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppInstance {
    /// Epoch after which it has expired.
    pub expiration: u64,
    /// Key of the node that endorsed it.
    pub node_id: [u8; 32],
    /// Its metadata.
    pub metadata: BTreeMap<String, String>,
}

impl Node {
    /// The app's configuration.
    ///
    /// # Errors
    /// [`NodeError`], except `Url`; an app that the chain does not have is `Refused`.
    pub async fn app(&self, runtime_id: [u8; 32], app: [u8; 21]) -> Result<App, NodeError> {
        let arguments = Value::Map(vec![(Value::from("id"), Value::Bytes(app.to_vec()))]);
        let answer = self.query(runtime_id, "rofl.App", &arguments).await?;
        read_app(&answer).ok_or(NodeError::Malformed("an app"))
    }

    /// The instance with a runtime attestation key; none if the chain says that it has none.
    ///
    /// # Errors
    /// [`NodeError`], except `Url`.
    pub async fn app_instance(
        &self,
        runtime_id: [u8; 32],
        app: [u8; 21],
        rak: [u8; 32],
    ) -> Result<Option<AppInstance>, NodeError> {
        let key = Value::Map(vec![(Value::from("ed25519"), Value::Bytes(rak.to_vec()))]);
        let arguments = Value::Map(vec![(Value::from("app"), Value::Bytes(app.to_vec())), (Value::from("rak"), key)]);
        match self.query(runtime_id, "rofl.AppInstance", &arguments).await {
            Ok(answer) => read_instance(&answer).map(Some).ok_or(NodeError::Malformed("an instance")),
            Err(NodeError::Refused { message, .. }) if UNKNOWN.iter().any(|words| message.contains(words)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let members = value.as_map()?;
    members.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
}

fn bytes<const N: usize>(value: &Value) -> Option<[u8; N]> {
    value.as_bytes()?.as_slice().try_into().ok()
}

fn unsigned(value: &Value) -> Option<u64> {
    u64::try_from(value.as_integer()?).ok()
}

/// A map with text keys, which a nil map in Go encodes as null.
fn entries(value: Option<&Value>) -> Option<&[(Value, Value)]> {
    match value {
        None | Some(Value::Null) => Some(&[]),
        Some(Value::Map(entries)) if entries.len() <= MAX_ENTRIES => Some(entries),
        Some(_) => None,
    }
}

fn read_app(value: &Value) -> Option<App> {
    let policy = member(value, "policy")?;
    let enclaves = member(policy, "enclaves")?.as_array().filter(|list| list.len() <= MAX_ENTRIES)?;
    let admin = match member(value, "admin") {
        None | Some(Value::Null) => None,
        Some(admin) => Some(bytes(admin)?),
    };
    let secrets = entries(member(value, "secrets"))?;
    Some(App {
        identities: enclaves.iter().map(|enclave| bytes(member(enclave, "mr_enclave")?)).collect::<Option<_>>()?,
        max_expiration: unsigned(member(policy, "max_expiration")?)?,
        admin,
        secrets: secrets.iter().map(|(name, _)| name.as_text().map(str::to_owned)).collect::<Option<_>>()?,
    })
}

fn read_instance(value: &Value) -> Option<AppInstance> {
    let pair = |(name, value): &(Value, Value)| Some((name.as_text()?.to_owned(), value.as_text()?.to_owned()));
    Some(AppInstance {
        expiration: unsigned(member(value, "expiration")?)?,
        node_id: bytes(member(value, "node_id")?)?,
        metadata: entries(member(value, "metadata"))?.iter().map(pair).collect::<Option<_>>()?,
    })
}
