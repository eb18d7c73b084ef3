//! Positional parameters of a method.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::RpcError;

/// Positional parameters.
pub(super) struct Params(pub(super) Vec<Value>);

impl Params {
    pub(super) fn optional<T: DeserializeOwned>(&mut self, index: usize, name: &str) -> Result<Option<T>, RpcError> {
        let Some(value) = self.0.get_mut(index).map(Value::take).filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        let parsed = serde_json::from_value(value);
        parsed.map(Some).map_err(|error| RpcError::invalid_params(format!("invalid {name}: {error}")))
    }

    pub(super) fn required<T: DeserializeOwned>(&mut self, index: usize, name: &str) -> Result<T, RpcError> {
        let value = self.optional(index, name)?;
        value.ok_or_else(|| RpcError::invalid_params(format!("missing value for required argument {index}: {name}")))
    }

    /// Refuses a parameter that would change the answer and is not supported here.
    pub(super) fn absent(&self, index: usize, name: &str) -> Result<(), RpcError> {
        let given = |value: &Value| !value.is_null() && value.as_object().is_none_or(|object| !object.is_empty());
        match self.0.get(index) {
            Some(value) if given(value) => Err(RpcError::invalid_params(format!("{name} is not supported"))),
            _ => Ok(()),
        }
    }
}
