//! Somebody else on the payment chain: makes money, submits authorizations that are not its own, takes money away.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_sol_types::{Eip712Domain, SolCall as _, SolStruct as _};
use anyhow::Context as _;
use k256::ecdsa::SigningKey;
use precis_devnet::chain::client::RpcClient;
use precis_devnet::chain::contracts::{CancelAuthorization, PrecisDollar};
use precis_devnet::chain::wallet::Wallet;
use precis_payment::AtomicUnits;
use precis_payment::authorize::authorize;
use precis_payment::wire::{PaymentPayload, PaymentRequirements};
use serde_json::{Value, json};

use crate::payer::Payer;
use crate::testbed::account::Account;

/// Gas money, wei.
const PLENTY: u128 = 1_000_000_000_000_000_000_000;

/// A payer and the key it signs everything else with.
pub struct Purse {
    /// Signs payments.
    pub payer: Payer,
    key: SigningKey,
    /// What its account does, if that is a contract.
    account: Option<Account>,
}

impl Purse {
    /// A new one, empty; another for every `seed` and call.
    ///
    /// # Errors
    /// If chance gave no key.
    pub fn new(seed: u64) -> anyhow::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let parts = [seed, COUNT.fetch_add(1, Ordering::Relaxed), std::process::id().into()].map(u64::to_be_bytes);
        Self::of(&hex::encode(keccak256(parts.concat())))
    }

    /// The one whose key is in a file.
    ///
    /// # Errors
    /// If there is none.
    pub fn from_file(path: &Path) -> anyhow::Result<Self> {
        Self::of(std::fs::read_to_string(path).with_context(|| path.display().to_string())?.trim())
    }

    fn of(text: &str) -> anyhow::Result<Self> {
        let key = SigningKey::from_slice(&alloy_primitives::hex::decode(text)?)?;
        Ok(Self { payer: Payer::from_hex(text)?, key, account: None })
    }

    /// Its account.
    #[must_use]
    pub fn address(&self) -> Address {
        self.payer.address
    }

    /// The same address with a contract behind it.
    #[must_use]
    pub fn of_contract(self, account: Account) -> Self {
        Self { account: Some(account), ..self }
    }

    /// What its account does, if that is a contract.
    #[must_use]
    pub fn account(&self) -> Option<Account> {
        self.account
    }

    /// Signs for `required` at `now`; a contract account for the same with the payment first.
    ///
    /// # Errors
    /// If the requirements cannot be paid.
    pub fn authorize_at(&self, required: &PaymentRequirements, now: u64) -> anyhow::Result<PaymentPayload> {
        let Some(account) = self.account else { return self.payer.authorize_at(required, now) };
        let payload = self.payer.authorize_at(&Account::terms(required.clone()), now)?;
        Ok(account.signs(payload, self.address()))
    }
}

/// An account with gas.
pub struct Bank {
    wallet: Wallet,
    token: Address,
    domain: Eip712Domain,
    /// Any requirements of the service, for the network and the token's domain.
    name: (String, String),
}

impl Bank {
    /// Opens one on the chain at `url`.
    ///
    /// # Errors
    /// If the chain does not give it gas.
    pub async fn open(url: &str, token: Address, name: &str, version: &str) -> anyhow::Result<Self> {
        let rpc = RpcClient::new(url)?;
        let purse = Purse::new(u64::from(url.bytes().map(u32::from).sum::<u32>()))?;
        rpc.call::<Value>("anvil_setBalance", json!([purse.address(), U256::from(PLENTY)])).await?;
        let wallet = Wallet::new(rpc, hex::encode(purse.key.to_bytes()).parse()?).await?;
        let (named, versioned) = (name.to_owned(), version.to_owned());
        let chain_id = U256::from(wallet.chain_id());
        let domain = Eip712Domain::new(Some(named.into()), Some(versioned.into()), Some(chain_id), Some(token), None);
        Ok(Self { wallet, token, domain, name: (name.to_owned(), version.to_owned()) })
    }

    /// The account.
    #[must_use]
    pub fn address(&self) -> Address {
        self.wallet.address()
    }

    async fn send(&self, input: Vec<u8>) -> anyhow::Result<B256> {
        Ok(self.wallet.send(TxKind::Call(self.token), input.into()).await?.transaction_hash)
    }

    /// Creates `units` for `to`, where the token lets anybody do that.
    ///
    /// # Errors
    /// If the chain refuses.
    pub async fn mint(&self, to: Address, units: u64) -> anyhow::Result<()> {
        self.send(PrecisDollar::mintCall { to, value: U256::from(units) }.abi_encode()).await.map(drop)
    }

    /// Submits a payer's authorization, as anyone may who has seen it.
    ///
    /// # Errors
    /// If the token refuses.
    pub async fn submit(&self, payment: &PaymentPayload) -> anyhow::Result<B256> {
        let (signature, order) = (payment.payload.signature.clone(), &payment.payload.authorization);
        let call = PrecisDollar::transferWithAuthorization_1Call {
            from: order.from,
            to: order.to,
            value: order.value.get(),
            validAfter: order.valid_after,
            validBefore: order.valid_before,
            nonce: order.nonce,
            signature,
        };
        self.send(call.abi_encode()).await
    }

    /// The payer takes an authorization back.
    ///
    /// # Errors
    /// If the token refuses.
    pub async fn cancel(&self, purse: &Purse, nonce: B256) -> anyhow::Result<()> {
        let hash = CancelAuthorization { authorizer: purse.address(), nonce }.eip712_signing_hash(&self.domain);
        let signature = purse.key.sign_prehash_recoverable(hash.as_slice()).map(alloy_primitives::Signature::from)?;
        let signature = match purse.account {
            Some(account) => account.signature(),
            None => Bytes::copy_from_slice(&signature.as_bytes()),
        };
        let call = PrecisDollar::cancelAuthorizationCall { authorizer: purse.address(), nonce, signature };
        self.send(call.abi_encode()).await.map(drop)
    }

    /// The payer gives everything away; `like` names the network.
    ///
    /// # Errors
    /// If the token refuses.
    pub async fn drain(&self, purse: &Purse, like: &PaymentRequirements, now: u64) -> anyhow::Result<()> {
        let held = self.wallet.read(self.token, &PrecisDollar::balanceOfCall { account: purse.address() }).await?;
        let required = PaymentRequirements {
            amount: AtomicUnits::from(u128::try_from(held)?),
            pay_to: self.address(),
            ..like.clone()
        };
        let required = required.with_extra("name", &self.name.0).with_extra("version", &self.name.1);
        let nonce = keccak256([held.to_be_bytes::<32>(), U256::from(now).to_be_bytes()].concat());
        self.submit(&authorize(&purse.key, &required, None, now, nonce.0)?).await.map(drop)
    }
}
