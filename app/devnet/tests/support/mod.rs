//! A chain with a token, and an alloy client of it, for the tests beside.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use alloy::network::EthereumWallet;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy_sol_types::{Eip712Domain, SolCall, SolStruct, eip712_domain};
use precis_devnet::chain::client::RpcClient;
use precis_devnet::chain::contracts::{
    DOLLAR, PrecisDollar, TOKEN_NAME, TOKEN_SYMBOL, TOKEN_VERSION, TransferWithAuthorization, token_creation_code,
};
use precis_devnet::chain::wallet::Wallet;
use precis_devnet::chain::{ChainOptions, ChainServer};
use serde_json::{Value, json};

pub const CHAIN_ID: u64 = 31_337;

/// A chain that mines at once, a token on it, a relayer with gas, and a payer with 100 dollars and no gas.
pub struct World {
    pub chain: ChainServer,
    pub rpc: RpcClient,
    pub token: Address,
    pub owner: Wallet,
    pub relayer: PrivateKeySigner,
    pub payer: PrivateKeySigner,
    pub payee: Address,
}

pub async fn chain() -> ChainServer {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listen = ([127, 0, 0, 1], 0).into();
    ChainServer::start(ChainOptions { chain_id: CHAIN_ID, listen, block_interval: None }).await.unwrap()
}

pub fn key(byte: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(byte)).unwrap()
}

pub async fn fund(rpc: &RpcClient, address: Address) {
    let ether = U256::from(10).pow(U256::from(18));
    let _: Value = rpc.call("anvil_setBalance", json!([address, ether])).await.unwrap();
}

pub async fn world() -> World {
    let chain = chain().await;
    let rpc = RpcClient::new(chain.url()).unwrap();
    let (owner, relayer, payer) = (key(1), key(2), key(3));
    fund(&rpc, owner.address()).await;
    fund(&rpc, relayer.address()).await;
    let owner = Wallet::new(RpcClient::new(chain.url()).unwrap(), owner).await.unwrap();
    let token = owner.deploy(token_creation_code(TOKEN_NAME, TOKEN_VERSION, TOKEN_SYMBOL).unwrap()).await.unwrap();
    let mint = PrecisDollar::mintCall { to: payer.address(), value: U256::from(100 * DOLLAR) };
    owner.send(token.into(), mint.abi_encode().into()).await.unwrap();
    World { chain, rpc, token, owner, relayer, payer, payee: Address::repeat_byte(0x99) }
}

impl World {
    /// An alloy provider that signs with `signer`, with alloy's own nonce, gas and fee fillers.
    pub fn provider(&self, signer: PrivateKeySigner) -> DynProvider {
        let url = self.chain.url().parse().unwrap();
        ProviderBuilder::new().wallet(EthereumWallet::from(signer)).connect_http(url).erased()
    }

    pub fn domain(&self) -> Eip712Domain {
        eip712_domain! {
            name: TOKEN_NAME,
            version: TOKEN_VERSION,
            chain_id: CHAIN_ID,
            verifying_contract: self.token,
        }
    }

    /// An authorization of the payer to pay `dollars` to the payee, good for an hour.
    pub fn authorization(&self, dollars: u64, nonce: u8) -> TransferWithAuthorization {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        TransferWithAuthorization {
            from: self.payer.address(),
            to: self.payee,
            value: U256::from(dollars * DOLLAR),
            validAfter: U256::ZERO,
            validBefore: U256::from(now + 3_600),
            nonce: B256::repeat_byte(nonce),
        }
    }

    /// The call that spends `authorization`, signed by `signer`.
    pub fn transfer(&self, authorization: &TransferWithAuthorization, signer: &PrivateKeySigner) -> Bytes {
        let signature = self.sign(authorization, signer);
        transfer_call(authorization, signature)
    }

    pub fn sign(&self, message: &impl SolStruct, signer: &PrivateKeySigner) -> Bytes {
        let hash = message.eip712_signing_hash(&self.domain());
        signer.sign_hash_sync(&hash).unwrap().as_bytes().to_vec().into()
    }

    pub async fn balance(&self, address: Address) -> U256 {
        self.owner.read(self.token, &PrecisDollar::balanceOfCall { account: address }).await.unwrap()
    }

    /// The error with which an `eth_call` of the relayer fails.
    pub async fn refusal(&self, to: Address, input: Bytes) -> (i64, String) {
        let call = json!([{"from": self.relayer.address(), "to": to, "input": input}, "latest"]);
        match self.rpc.call::<Bytes>("eth_call", call).await {
            Err(precis_devnet::chain::client::ClientError::Refused { code, message, .. }) => (code, message),
            other => panic!("expected a refusal, got {other:?}"),
        }
    }
}

pub fn transfer_call(authorization: &TransferWithAuthorization, signature: Bytes) -> Bytes {
    let TransferWithAuthorization { from, to, value, validAfter, validBefore, nonce } = authorization.clone();
    PrecisDollar::transferWithAuthorization_1Call { from, to, value, validAfter, validBefore, nonce, signature }
        .abi_encode()
        .into()
}
