//! An account that deploys and calls contracts through JSON-RPC, and waits until the chain has done it.

use std::time::Duration;

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::network::TxSignerSync;
use alloy::rpc::types::TransactionReceipt;
use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, Bytes, TxKind, U64, U128, U256};
use alloy_sol_types::SolCall;
use serde_json::json;
use thiserror::Error;
use tokio::sync::Mutex;

use super::client::{ClientError, RpcClient};

/// Time between two looks for a receipt.
const POLL: Duration = Duration::from_millis(20);
/// Longest wait for a receipt: several blocks of any chain that one develops on.
const DEADLINE: Duration = Duration::from_secs(120);

/// Why a transaction did not do what it should.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WalletError {
    /// The chain cannot be reached, or refused.
    #[error(transparent)]
    Chain(#[from] ClientError),
    /// This program could not sign.
    #[error("cannot sign: {0}")]
    Sign(#[from] alloy::signers::Error),
    /// No block took it in time.
    #[error("transaction {0} was not mined within two minutes")]
    NotMined(B256),
    /// It was mined and failed.
    #[error("transaction {0} failed on chain")]
    Failed(B256),
    /// An answer is not what the contract's interface says.
    #[error("unexpected answer from a contract: {0}")]
    Decode(#[from] alloy_sol_types::Error),
}

/// A key with its chain. Transactions go out one after the other.
pub struct Wallet {
    rpc: RpcClient,
    signer: PrivateKeySigner,
    chain_id: u64,
    turn: Mutex<()>,
}

impl Wallet {
    /// A wallet of `signer` on the chain behind `rpc`.
    ///
    /// # Errors
    /// If the chain does not tell its id.
    pub async fn new(rpc: RpcClient, signer: PrivateKeySigner) -> Result<Self, WalletError> {
        let chain_id: U64 = rpc.call("eth_chainId", json!([])).await?;
        Ok(Self { rpc, signer, chain_id: chain_id.to(), turn: Mutex::new(()) })
    }

    /// Its address.
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// EIP-155 id of its chain.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Its way to the chain.
    pub fn rpc(&self) -> &RpcClient {
        &self.rpc
    }

    /// Calls a contract, or creates one, in a transaction, and waits until it has succeeded.
    ///
    /// # Errors
    /// Any [`WalletError`].
    pub async fn send(&self, to: TxKind, input: Bytes) -> Result<TransactionReceipt, WalletError> {
        self.transact(to, U256::ZERO, input).await
    }

    /// Pays `value`, wei, and waits until it has arrived.
    ///
    /// # Errors
    /// Any [`WalletError`].
    pub async fn pay(&self, to: Address, value: U256) -> Result<TransactionReceipt, WalletError> {
        self.transact(TxKind::Call(to), value, Bytes::new()).await
    }

    async fn transact(&self, to: TxKind, value: U256, input: Bytes) -> Result<TransactionReceipt, WalletError> {
        let _turn = self.turn.lock().await;
        let from = self.address();
        let mut call = json!({"from": from, "value": value, "input": input});
        if let TxKind::Call(to) = to {
            call["to"] = json!(to);
        }
        let gas: U64 = self.rpc.call("eth_estimateGas", json!([call])).await?;
        let nonce: U64 = self.rpc.call("eth_getTransactionCount", json!([from, "pending"])).await?;
        let price: U128 = self.rpc.call("eth_gasPrice", json!([])).await?;
        let tip: U128 = self.rpc.call("eth_maxPriorityFeePerGas", json!([])).await?;
        let mut body = TxEip1559 {
            chain_id: self.chain_id,
            nonce: nonce.to(),
            gas_limit: gas.to(),
            // Twice the price outlives six full blocks of a rising base fee (EIP-1559).
            max_fee_per_gas: price.to::<u128>().saturating_mul(2),
            max_priority_fee_per_gas: tip.to(),
            to,
            value,
            input,
            ..Default::default()
        };
        let signature = self.signer.sign_transaction_sync(&mut body)?;
        let raw: Bytes = TxEnvelope::from(body.into_signed(signature)).encoded_2718().into();
        let hash: B256 = self.rpc.call("eth_sendRawTransaction", json!([raw])).await?;
        self.receipt(hash).await
    }

    /// Deploys creation code and answers the contract's address.
    ///
    /// # Errors
    /// Any [`WalletError`].
    pub async fn deploy(&self, creation_code: Bytes) -> Result<Address, WalletError> {
        let receipt = self.send(TxKind::Create, creation_code).await?;
        receipt.contract_address.ok_or(WalletError::Failed(receipt.transaction_hash))
    }

    /// Reads from a contract.
    ///
    /// # Errors
    /// If the chain cannot be reached, the call reverts, or the answer does not fit the interface.
    pub async fn read<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, WalletError> {
        let input: Bytes = call.abi_encode().into();
        let output: Bytes = self.rpc.call("eth_call", json!([{"to": to, "input": input}, "latest"])).await?;
        Ok(C::abi_decode_returns(&output)?)
    }

    async fn receipt(&self, hash: B256) -> Result<TransactionReceipt, WalletError> {
        let search = async {
            loop {
                let found: Option<TransactionReceipt> =
                    self.rpc.call("eth_getTransactionReceipt", json!([hash])).await?;
                if let Some(receipt) = found {
                    return Ok(receipt);
                }
                tokio::time::sleep(POLL).await;
            }
        };
        let found: Result<TransactionReceipt, ClientError> =
            tokio::time::timeout(DEADLINE, search).await.map_err(|_| WalletError::NotMined(hash))?;
        let receipt = found?;
        if receipt.status() { Ok(receipt) } else { Err(WalletError::Failed(hash)) }
    }
}
