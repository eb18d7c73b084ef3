//! What the chain says now of the app and of this instance (SPEC 8.8). A node tells it, and is believed.
//!
//! The registration that is evidence proves what the enclave signed; only the chain knows whether it took it, whom else it admits,
//! and who can change that.

use std::collections::BTreeMap;

use bech32::{Bech32, Hrp};

use crate::check;
use crate::online::Online;
use crate::policy::Policy;
use crate::register::Register;
use crate::transcript::Recorder;

/// Human-readable part of Oasis accounts.
const ACCOUNT_PREFIX: &str = "oasis";
/// Most epochs that any app lets a registration live (Oasis runtime SDK, module rofl).
pub(crate) const MAX_EXPIRATION_EPOCHS: u64 = 24;

/// An Oasis account: 21 bytes, written `oasis1…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account(pub [u8; 21]);

impl std::fmt::Display for Account {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hrp = Hrp::parse(ACCOUNT_PREFIX).map_err(|_| std::fmt::Error)?;
        formatter.write_str(&bech32::encode::<Bech32>(hrp, &self.0).map_err(|_| std::fmt::Error)?)
    }
}

/// Whose state was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instance {
    /// ParaTime.
    pub runtime_id: [u8; 32],
    /// App.
    pub app: [u8; 21],
    /// Runtime attestation key.
    pub rak: [u8; 32],
}

/// What the chain has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppState {
    /// Whose state it is.
    pub of: Instance,
    /// Enclave identities that may register.
    pub identities: Vec<[u8; 32]>,
    /// Most epochs that a registration may live.
    pub max_expiration: u64,
    /// Who can change all that; nobody if there is none.
    pub admin: Option<Account>,
    /// Names of the secrets that the app is given.
    pub secrets: Vec<String>,
    /// The instance, if it is registered.
    pub registered: Option<Registered>,
}

/// An instance that the chain has registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Epoch after which it has expired.
    pub expiration: u64,
    /// Key of the node that endorsed it.
    pub node_id: [u8; 32],
    /// Its metadata.
    pub metadata: BTreeMap<String, String>,
}

const CHECKS: [check::CheckId; 3] = [check::REGISTRATION_ON_CHAIN, check::APP_POLICY, check::APP_ADMIN];

/// There is no registration to ask about.
pub(crate) fn without_registration(recorder: &mut Recorder, why: &str) {
    for absent in CHECKS {
        recorder.optional(absent, why);
    }
}

/// Records the three checks.
pub(crate) fn record(
    recorder: &mut Recorder,
    policy: &Policy,
    register: &Register,
    epoch: Online<'_, u64>,
    state: Online<'_, &AppState>,
) {
    let state = match state {
        Online::NotAsked => return without_registration(recorder, "no node was asked"),
        Online::Unanswered(why) => {
            for unknown in CHECKS {
                recorder.skip(unknown, why);
            }
            return;
        }
        Online::Known(state) => state,
    };
    let asked =
        policy.chain.map(|chain| Instance { runtime_id: chain.runtime_id, app: register.app, rak: register.rak });
    if asked != Some(state.of) {
        for unknown in CHECKS {
            recorder.skip(unknown, "the node was asked about another instance");
        }
        return;
    }
    recorder.record(check::REGISTRATION_ON_CHAIN, on_chain(register, epoch, state));
    recorder.record(check::APP_POLICY, admitted(policy, state));
    admin(recorder, policy, state);
}

fn on_chain(register: &Register, epoch: Online<'_, u64>, state: &AppState) -> Result<String, String> {
    let rak = hex::encode(register.rak);
    let Some(found) = &state.registered else {
        return Err(format!("the chain has no registration of RAK {rak}"));
    };
    let detail =
        format!("RAK {rak}, endorsed by node {}, expires in epoch {}", hex::encode(found.node_id), found.expiration);
    match epoch {
        Online::Known(epoch) if found.expiration <= epoch => Err(format!("{detail}, current {epoch}")),
        Online::Known(epoch)
            if found.expiration > epoch.saturating_add(state.max_expiration.min(MAX_EXPIRATION_EPOCHS)) =>
        {
            Err(format!("{detail}, which is more than the app's {} epochs after {epoch}", state.max_expiration))
        }
        _ if found.node_id != register.node_id => {
            Err(format!("{detail}; the evidence is endorsed by node {}", hex::encode(register.node_id)))
        }
        _ => Ok(detail),
    }
}

/// Every identity that could register with the same keys of the app is one that the policy accepts.
fn admitted(policy: &Policy, state: &AppState) -> Result<String, String> {
    let list = |identities: &[&[u8; 32]]| identities.iter().map(hex::encode).collect::<Vec<_>>().join(", ");
    let accepted = |identity: &&[u8; 32]| {
        policy.enclave_identities.contains(*identity) && !policy.revoked_enclave_identities.contains(*identity)
    };
    let foreign: Vec<_> = state.identities.iter().filter(|identity| !accepted(identity)).collect();
    let secrets = if state.secrets.is_empty() { "none".to_owned() } else { state.secrets.join(", ") };
    if foreign.is_empty() {
        let all: Vec<_> = state.identities.iter().collect();
        Ok(format!("admits {}; secrets: {secrets}", list(&all)))
    } else {
        Err(format!("admits {}, which the policy does not accept; secrets: {secrets}", list(&foreign)))
    }
}

fn admin(recorder: &mut Recorder, policy: &Policy, state: &AppState) {
    let found = state.admin.map_or_else(|| "nobody".to_owned(), |admin| admin.to_string());
    match &policy.admin {
        None => recorder.optional(check::APP_ADMIN, format!("{found} can change the app; the policy pins no admin")),
        Some(expected) if *expected == found => recorder.pass(check::APP_ADMIN, found),
        Some(expected) => recorder.fail(check::APP_ADMIN, format!("expected {expected}, found {found}")),
    }
}
