//! The methods, one line each: parameters in, what the chain knows out (Ethereum execution-apis).

use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::rpc::types::{Block, BlockTransactions, Filter, TransactionRequest};
use alloy_primitives::{Address, B256, Bytes, U64, U256, keccak256};
use serde::Serialize;
use serde_json::{Value, json};

use super::blocks::{Mined, pending};
use super::error::RpcError;
use super::filter::select;
use super::params::Params;
use super::state::{Chain, State};
use super::{MAX_FEE_HISTORY, PRIORITY_FEE};

/// Most percentiles of one `eth_feeHistory`.
const MAX_PERCENTILES: usize = 100;

/// Carries out `method` at the time `now`, seconds. Mining after a new transaction is up to the caller.
pub(crate) fn dispatch(chain: &mut Chain, now: u64, method: &str, params: Vec<Value>) -> Result<Value, RpcError> {
    let mut params = Params(params);
    match method {
        "web3_clientVersion" => Ok(json!(concat!("precis-devnet/", env!("CARGO_PKG_VERSION")))),
        "web3_sha3" => to_json(keccak256(params.required::<Bytes>(0, "data")?)),
        "net_version" => Ok(json!(chain.chain_id.to_string())),
        "net_listening" => Ok(json!(true)),
        "eth_syncing" => Ok(json!(false)),
        "eth_accounts" => Ok(json!([])),
        "eth_chainId" => quantity(chain.chain_id),
        "eth_blockNumber" => quantity(chain.blocks.height()),
        "eth_gasPrice" => quantity(chain.terms.base_fee.saturating_add(PRIORITY_FEE)),
        "eth_maxPriorityFeePerGas" => quantity(PRIORITY_FEE),
        "eth_feeHistory" => fee_history(chain, &mut params),
        "eth_getBalance" => {
            let address = params.required(0, "address")?;
            to_json(state(chain, params.optional(1, "block")?)?.balance(&address))
        }
        "eth_getCode" => {
            let address = params.required(0, "address")?;
            to_json(state(chain, params.optional(1, "block")?)?.code(&address))
        }
        "eth_getStorageAt" => {
            let (address, slot) = (params.required(0, "address")?, params.required(1, "slot")?);
            to_json(state(chain, params.optional(2, "block")?)?.storage(&address, slot))
        }
        "eth_getTransactionCount" => {
            let address = params.required(0, "address")?;
            quantity(match params.optional(1, "block")? {
                Some(BlockId::Number(BlockNumberOrTag::Pending)) => {
                    chain.pool.next_nonce(&address, chain.state().nonce(&address))
                }
                block => state(chain, block)?.nonce(&address),
            })
        }
        "eth_call" => {
            let request: TransactionRequest = params.required(0, "transaction")?;
            let block = params.optional(1, "block")?;
            params.absent(2, "state override")?;
            params.absent(3, "block override")?;
            to_json(state(chain, block)?.call(request, now)?)
        }
        "eth_estimateGas" => {
            let request: TransactionRequest = params.required(0, "transaction")?;
            let block = params.optional(1, "block")?;
            params.absent(2, "state override")?;
            quantity(state(chain, block)?.estimate(request, now)?)
        }
        "eth_sendRawTransaction" => to_json(chain.submit(&params.required::<Bytes>(0, "transaction")?, now)?),
        "eth_getTransactionByHash" => transaction_by_hash(chain, params.required(0, "hash")?),
        "eth_getTransactionReceipt" => {
            let hash: B256 = params.required(0, "hash")?;
            to_json(chain.blocks.transaction(&hash).and_then(|(mined, index)| mined.receipts.get(index)))
        }
        "eth_getBlockReceipts" => {
            let mined = match params.required(0, "block")? {
                BlockId::Hash(hash) => chain.blocks.by_hash(&hash.block_hash),
                BlockId::Number(tag) => mined_by_tag(chain, tag),
            };
            to_json(mined.map(|mined| &mined.receipts))
        }
        "eth_getBlockByNumber" => {
            let tag: BlockNumberOrTag = params.required(0, "block")?;
            let full = params.optional(1, "full")?.unwrap_or(false);
            match tag {
                BlockNumberOrTag::Pending => to_json(shown(chain.pending_block(now), full)),
                tag => to_json(mined_by_tag(chain, tag).map(|mined| shown(mined.block.clone(), full))),
            }
        }
        "eth_getBlockByHash" => {
            let hash: B256 = params.required(0, "hash")?;
            let full = params.optional(1, "full")?.unwrap_or(false);
            to_json(chain.blocks.by_hash(&hash).map(|mined| shown(mined.block.clone(), full)))
        }
        "eth_getLogs" => to_json(select(&chain.blocks, &params.required::<Filter>(0, "filter")?)?),
        "anvil_setBalance" | "hardhat_setBalance" => {
            let (address, balance): (Address, U256) = (params.required(0, "address")?, params.required(1, "balance")?);
            chain.set_balance(address, balance);
            Ok(Value::Null)
        }
        "anvil_setNonce" | "hardhat_setNonce" => {
            let (address, nonce): (Address, U64) = (params.required(0, "address")?, params.required(1, "nonce")?);
            chain.set_nonce(address, nonce.to());
            Ok(Value::Null)
        }
        "anvil_setCode" | "hardhat_setCode" => {
            let (address, code): (Address, Bytes) = (params.required(0, "address")?, params.required(1, "code")?);
            chain.set_code(address, code)?;
            Ok(Value::Null)
        }
        "evm_mine" => {
            params.absent(0, "a time for the block")?;
            chain.mine(now);
            Ok(json!("0x0"))
        }
        "evm_increaseTime" => Ok(json!(chain.increase_time(seconds(&mut params)?)?)),
        other => super::faults::dispatch(chain, other, &mut params),
    }
}

/// The state after the block that is meant: the latest where none is named, or one of those kept before it. A hash is that of a
/// block of the chain as it is now (EIP-1898 with `requireCanonical`).
fn state(chain: &Chain, block: Option<BlockId>) -> Result<State<'_>, RpcError> {
    let latest = chain.blocks.height();
    let number = match block {
        None => Some(latest),
        Some(BlockId::Hash(hash)) => chain.blocks.by_hash(&hash.block_hash).map(|mined| mined.block.header.number),
        Some(BlockId::Number(BlockNumberOrTag::Number(number))) => Some(number).filter(|number| *number <= latest),
        Some(BlockId::Number(BlockNumberOrTag::Earliest)) => Some(chain.blocks.earliest()),
        Some(BlockId::Number(_)) => Some(latest),
    };
    let number = number.ok_or_else(|| RpcError::refused("header not found"))?;
    chain.state_at(number).ok_or_else(|| RpcError::refused(format!("the state of block {number} is not kept")))
}

fn mined_by_tag(chain: &Chain, tag: BlockNumberOrTag) -> Option<&Mined> {
    match tag {
        BlockNumberOrTag::Number(number) => chain.blocks.by_number(number),
        BlockNumberOrTag::Earliest => chain.blocks.by_number(chain.blocks.earliest()),
        BlockNumberOrTag::Latest | BlockNumberOrTag::Safe | BlockNumberOrTag::Finalized => {
            chain.blocks.by_number(chain.blocks.height())
        }
        BlockNumberOrTag::Pending => None,
    }
}

/// The block with full transactions or with their hashes.
fn shown(block: Block, full: bool) -> Block {
    if full {
        return block;
    }
    let hashes = block.transactions.hashes().collect();
    block.with_transactions(BlockTransactions::Hashes(hashes))
}

fn transaction_by_hash(chain: &Chain, hash: B256) -> Result<Value, RpcError> {
    if let Some((mined, index)) = chain.blocks.transaction(&hash) {
        return to_json(mined.block.transactions.as_transactions().and_then(|transactions| transactions.get(index)));
    }
    to_json(chain.pool.get(&hash).map(|transaction| pending(transaction.clone())))
}

/// Every tip is the one that the chain suggests.
fn fee_history(chain: &Chain, params: &mut Params) -> Result<Value, RpcError> {
    let count = match params.required(0, "block count")? {
        Value::Number(number) => number.as_u64(),
        other => serde_json::from_value::<U64>(other).ok().map(|count| count.to()),
    };
    let count = count.ok_or_else(|| RpcError::invalid_params("invalid block count"))?;
    let newest = match params.required(1, "newest block")? {
        BlockNumberOrTag::Pending => chain.blocks.height(),
        tag => mined_by_tag(chain, tag)
            .map(|mined| mined.block.header.number)
            .ok_or_else(|| RpcError::refused("request beyond head block"))?,
    };
    let percentiles: Option<Vec<f64>> = params.optional(2, "reward percentiles")?;
    let columns = percentiles.as_ref().map_or(0, Vec::len);
    if columns > MAX_PERCENTILES {
        return Err(RpcError::invalid_params(format!("at most {MAX_PERCENTILES} reward percentiles")));
    }
    let count = count.clamp(1, MAX_FEE_HISTORY).min(newest - chain.blocks.earliest() + 1);
    let oldest = newest + 1 - count;
    let ratio = |number: u64| {
        let header = chain.blocks.by_number(number).map(|mined| &mined.block.header);
        header.map_or(0.0, |header| header.gas_used as f64 / header.gas_limit as f64)
    };
    let base_fee = |number: u64| {
        let header = chain.blocks.by_number(number).map(|mined| &mined.block.header);
        U64::from(header.and_then(|header| header.base_fee_per_gas).unwrap_or(chain.terms.base_fee))
    };
    let rows = count as usize;
    let mut answer = json!({
        "oldestBlock": U64::from(oldest),
        "baseFeePerGas": (oldest..=newest + 1).map(base_fee).collect::<Vec<_>>(),
        "gasUsedRatio": (oldest..=newest).map(ratio).collect::<Vec<f64>>(),
        "baseFeePerBlobGas": vec!["0x1"; rows + 1],
        "blobGasUsedRatio": vec![0.0; rows],
    });
    if percentiles.is_some() {
        answer["reward"] = json!(vec![vec![U64::from(PRIORITY_FEE); columns]; rows]);
    }
    Ok(answer)
}

/// Tools send seconds as a number or as a quantity.
fn seconds(params: &mut Params) -> Result<u64, RpcError> {
    let seconds = match params.required(0, "seconds")? {
        Value::Number(number) => number.as_u64(),
        other => serde_json::from_value::<U64>(other).ok().map(|seconds| seconds.to()),
    };
    seconds.ok_or_else(|| RpcError::invalid_params("invalid seconds"))
}

fn quantity(value: u64) -> Result<Value, RpcError> {
    to_json(U64::from(value))
}

fn to_json(value: impl Serialize) -> Result<Value, RpcError> {
    serde_json::to_value(value).map_err(|_| RpcError::internal())
}
