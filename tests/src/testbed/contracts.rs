//! Contract accounts that pay (EIP-1271): honest ones, ones whose wallet wraps its signatures, ones that change their mind.

use alloy_primitives::{Address, Bytes};
use alloy_sol_types::SolValue as _;
use precis_payment::exact::EIP6492_SUFFIX;
use precis_payment::wire::{EXTRA_FLOW, FLOW_UPFRONT, PaymentPayload, PaymentRequirements};
use serde_json::json;

use crate::testbed::town::Town;

/// Runtime code of an account that answers every EIP-1271 question with yes.
pub const YES: &str = "0x631626ba7e60e01b5f5260205ff3";
/// Runtime code of an account that answers every question with nothing.
pub const NO: &str = "0x00";
/// Blocks that come after a change of code: a reorganization of fewer leaves it as it is.
const BURIED: u32 = 2;
/// Bytes of a signature that a contract account takes.
const SIGNATURE_BYTES: usize = 96;

/// What a contract account does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    /// Stands by every signature.
    Honest,
    /// The same, and its signatures come in a wrapper (EIP-6492) though it is deployed.
    Wrapped,
    /// Stands by its signatures until somebody relies on them, and again later.
    Fickle,
}

impl Account {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Honest, Self::Wrapped, Self::Fickle];

    /// Its name among figures.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Honest => "honest",
            Self::Wrapped => "wrapped",
            Self::Fickle => "fickle",
        }
    }

    /// What it signs with, whatever there is to sign.
    #[must_use]
    pub fn signature(self) -> Bytes {
        let inner = Bytes::from(vec![7; SIGNATURE_BYTES]);
        if self != Self::Wrapped {
            return inner;
        }
        // The factory that would deploy the account, and how. Nobody calls it.
        let mut wrapper = (Address::repeat_byte(0x55), Bytes::from(vec![9; 68]), inner).abi_encode_params();
        wrapper.extend(EIP6492_SUFFIX);
        wrapper.into()
    }

    /// `payload` as this account at `address` pays it.
    #[must_use]
    pub fn signs(self, mut payload: PaymentPayload, address: Address) -> PaymentPayload {
        payload.payload.authorization.from = address;
        payload.payload.signature = self.signature();
        payload
    }

    /// The terms that it accepts: it pays before the work.
    #[must_use]
    pub fn terms(required: PaymentRequirements) -> PaymentRequirements {
        required.with_extra(EXTRA_FLOW, FLOW_UPFRONT)
    }
}

impl Town {
    /// Gives an account code, and lets some blocks pass.
    ///
    /// # Errors
    /// If the chain refuses.
    pub async fn set_code(&self, account: Address, code: &str) -> anyhow::Result<()> {
        self.chain.rpc("anvil_setCode", json!([account, code])).await?;
        for _ in 0..BURIED {
            self.chain.rpc("evm_mine", json!([])).await?;
        }
        Ok(())
    }
}
