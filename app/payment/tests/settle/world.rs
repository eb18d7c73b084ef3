//! A development chain with a token, a payer without gas, and a facilitator with a wallet of its own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_sol_types::{SolCall, SolStruct};
use k256::ecdsa::SigningKey;
use precis_devnet::chain::client::RpcClient;
use precis_devnet::chain::contracts::{
    CancelAuthorization, PrecisDollar, TOKEN_NAME, TOKEN_SYMBOL, TOKEN_VERSION, token_creation_code,
};
use precis_devnet::chain::wallet::Wallet;
use precis_devnet::chain::{ChainOptions, ChainServer};
use precis_payment::authorize::{address_of, authorize};
use precis_payment::chain::{Asset, ChainView};
use precis_payment::exact::{Authorized, TokenDomain, verify_offline};
use precis_payment::facilitator::{Facilitator, Paid, Settlement, Unavailable};
use precis_payment::http;
use precis_payment::local::{LocalFacilitator, LocalOptions};
use precis_payment::wire::{PaymentPayload, PaymentRequirements, SCHEME_EXACT};
use precis_payment::{AtomicUnits, Network};
use serde_json::{Map, Value, json};

pub const CHAIN_ID: u64 = 31_337;
/// Price of everything here, atomic units.
pub const PRICE: u64 = 1_500;
/// What the payer has at first, atomic units.
pub const PURSE: u64 = 1_000_000;

pub struct World {
    pub chain: ChainServer,
    pub rpc: RpcClient,
    pub token: Address,
    pub payee: Address,
    pub payer: SigningKey,
    /// Deploys, mints, and stands for everybody else who can send transactions.
    pub stranger: Wallet,
}

pub fn key(byte: u8) -> SigningKey {
    SigningKey::from_slice(&[byte; 32]).unwrap()
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub fn http_client() -> reqwest::Client {
    http_client_within(Duration::from_secs(5))
}

pub fn http_client_within(timeout: Duration) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    http::client(timeout).unwrap()
}

impl World {
    pub async fn new() -> Self {
        let options = ChainOptions { chain_id: CHAIN_ID, listen: ([127, 0, 0, 1], 0).into(), block_interval: None };
        let chain = ChainServer::start(options).await.unwrap();
        let rpc = RpcClient::new(chain.url()).unwrap();
        let stranger = PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).unwrap();
        fund(&rpc, stranger.address()).await;
        fund(&rpc, address_of(&wallet_key())).await;
        let stranger = Wallet::new(RpcClient::new(chain.url()).unwrap(), stranger).await.unwrap();
        let code = token_creation_code(TOKEN_NAME, TOKEN_VERSION, TOKEN_SYMBOL).unwrap();
        let token = stranger.deploy(code).await.unwrap();
        let world = Self { chain, rpc, token, payee: Address::repeat_byte(0x99), payer: key(3), stranger };
        world.mint(address_of(&world.payer), PURSE).await;
        world
    }

    pub fn asset(&self) -> Asset {
        Asset {
            network: Network::new(CHAIN_ID).unwrap(),
            address: self.token,
            domain: TokenDomain { name: TOKEN_NAME.into(), version: TOKEN_VERSION.into() },
        }
    }

    pub fn view(&self) -> ChainView {
        self.view_through(self.chain.url())
    }

    pub fn view_through(&self, url: &str) -> ChainView {
        ChainView::new(http_client(), url, self.asset()).unwrap()
    }

    /// A facilitator that takes contract accounts, too.
    pub fn facilitator(&self) -> LocalFacilitator {
        self.facilitator_with(LocalOptions { contract_accounts: true, ..LocalOptions::default() })
    }

    pub fn facilitator_with(&self, options: LocalOptions) -> LocalFacilitator {
        LocalFacilitator::new(self.view(), wallet_key(), options)
    }

    /// A facilitator that sees the chain through another URL and soon stops waiting.
    pub fn impatient(&self, url: &str) -> LocalFacilitator {
        let options = LocalOptions { confirm_timeout: Duration::from_millis(700), ..LocalOptions::default() };
        LocalFacilitator::new(self.view_through(url), wallet_key(), options)
    }

    pub fn required(&self) -> PaymentRequirements {
        let requirements = PaymentRequirements {
            scheme: SCHEME_EXACT.into(),
            network: Network::new(CHAIN_ID).unwrap(),
            amount: AtomicUnits::from(u128::from(PRICE)),
            asset: self.token,
            pay_to: self.payee,
            max_timeout_seconds: 600,
            extra: Map::new(),
            other: Map::new(),
        };
        requirements
            .with_extra("name", TOKEN_NAME)
            .with_extra("version", TOKEN_VERSION)
            .with_extra("requestDigest", "ab")
    }

    pub fn payload(&self, nonce: u8) -> PaymentPayload {
        authorize(&self.payer, &self.required(), None, now(), [nonce; 32]).unwrap()
    }

    pub fn authorized(&self, nonce: u8) -> Authorized {
        self.check(&self.payload(nonce))
    }

    pub fn check(&self, payload: &PaymentPayload) -> Authorized {
        verify_offline(payload, &self.required(), now(), 30).unwrap()
    }

    pub async fn mint(&self, to: Address, value: u64) {
        self.call(PrecisDollar::mintCall { to, value: U256::from(value) }).await;
    }

    /// A transaction of the stranger to the token; its hash.
    pub async fn call(&self, call: impl SolCall) -> B256 {
        let input: Bytes = call.abi_encode().into();
        self.stranger.send(TxKind::Call(self.token), input).await.unwrap().transaction_hash
    }

    /// Somebody else submits the payer's authorization.
    pub async fn front_run(&self, payload: &PaymentPayload) -> B256 {
        let authorization = &payload.payload.authorization;
        self.call(PrecisDollar::transferWithAuthorization_1Call {
            from: authorization.from,
            to: authorization.to,
            value: authorization.value.get(),
            validAfter: authorization.valid_after,
            validBefore: authorization.valid_before,
            nonce: authorization.nonce,
            signature: payload.payload.signature.clone(),
        })
        .await
    }

    /// The payer takes an authorization back.
    pub async fn cancel(&self, nonce: u8) {
        let (authorizer, nonce) = (address_of(&self.payer), B256::repeat_byte(nonce));
        let domain = alloy_sol_types::eip712_domain! {
            name: TOKEN_NAME, version: TOKEN_VERSION, chain_id: CHAIN_ID, verifying_contract: self.token,
        };
        let hash = CancelAuthorization { authorizer, nonce }.eip712_signing_hash(&domain);
        let signature = self.payer.sign_prehash_recoverable(hash.as_slice()).unwrap();
        let signature = alloy_primitives::Signature::from(signature).as_bytes().to_vec().into();
        self.call(PrecisDollar::cancelAuthorizationCall { authorizer, nonce, signature }).await;
    }

    pub async fn balance(&self, account: Address) -> u64 {
        self.view().balance_of(account).await.unwrap().to()
    }

    /// A method of the chain that has no interesting answer: a fault, or a block.
    pub async fn chain(&self, method: &'static str, params: Value) {
        let _: Value = self.rpc.call(method, params).await.unwrap();
    }

    /// Blocks come only on demand from now on.
    pub fn stop_blocks(&self) {
        self.chain.set_block_interval(Some(Duration::from_secs(3600)));
    }

    /// Waits until the chain knows the transaction, waiting or mined.
    pub async fn known(&self, hash: B256) {
        self.until(async || {
            self.rpc.call::<Value>("eth_getTransactionByHash", json!([hash])).await.unwrap().is_object()
        })
        .await;
    }

    /// Waits until `holds`, at most twenty seconds.
    pub async fn until(&self, holds: impl AsyncFn() -> bool) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while !holds().await {
            assert!(tokio::time::Instant::now() < deadline, "it does not come about");
            tokio::task::yield_now().await;
        }
    }

    pub async fn set_code(&self, address: Address, code: &str) {
        let _: Value = self.rpc.call("anvil_setCode", json!([address, code])).await.unwrap();
    }

    /// Moves everything the payer has to somebody else.
    pub async fn drain_payer(&self) {
        let required = PaymentRequirements {
            pay_to: Address::repeat_byte(0x77),
            amount: AtomicUnits::from(u128::from(self.balance(address_of(&self.payer)).await)),
            ..self.required()
        };
        let drain = authorize(&self.payer, &required, None, now(), [0xdd; 32]).unwrap();
        self.front_run(&drain).await;
    }
}

/// Both steps, anew as long as another transaction of the wallet takes the place, as a caller does.
pub async fn settle_anew(facilitator: &dyn Facilitator, authorized: &Authorized) -> Settlement {
    let mut last = settle(facilitator, authorized).await;
    for _ in 0..30 {
        if last != Settlement::Deferred(Unavailable::Displaced) {
            break;
        }
        last = settle(facilitator, authorized).await;
    }
    last
}

/// A facilitator's options for chains on which a transaction gets stuck.
pub fn pushy() -> LocalOptions {
    LocalOptions { replace_after: Duration::from_millis(200), ..LocalOptions::default() }
}

/// The wallet of the facilitator.
pub fn wallet_key() -> SigningKey {
    key(2)
}

pub async fn fund(rpc: &RpcClient, address: Address) {
    let ether = U256::from(10).pow(U256::from(18));
    let _: Value = rpc.call("anvil_setBalance", json!([address, ether])).await.unwrap();
}

/// Both steps at once.
pub async fn settle(facilitator: &dyn Facilitator, authorized: &Authorized) -> Settlement {
    match facilitator.prepare(authorized).await {
        Ok(prepared) => facilitator.broadcast(authorized, prepared).await,
        Err(settlement) => settlement,
    }
}

pub fn paid(settlement: Settlement) -> Paid {
    match settlement {
        Settlement::Settled(paid) => paid,
        other => panic!("not settled: {other:?}"),
    }
}
