//! Contract accounts that pay (EIP-1271): what each kind signs, and on which terms it pays.

use alloy_primitives::{Address, Bytes};
use alloy_sol_types::SolValue as _;
use precis_payment::exact::EIP6492_SUFFIX;
use precis_payment::wire::{EXTRA_FLOW, FLOW_UPFRONT, PaymentPayload, PaymentRequirements};

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
