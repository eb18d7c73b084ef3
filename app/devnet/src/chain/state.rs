//! The chain itself: accounts, the pool, the blocks, and the EVM between them. No I/O: the time is an argument.
//!
//! Guarantees that a transaction is executed only with its account's next nonce, that a call or an estimate changes
//! nothing, and that time on chain never runs backwards. Several blocks may share one second, so that quick blocks do not
//! carry the chain's clock away from the wall's.

use std::collections::VecDeque;

use alloy::consensus::transaction::{Recovered, SignerRecoverable};
use alloy::consensus::{Transaction as _, TxEnvelope, TxType, Typed2718};
use alloy::eips::eip2718::Decodable2718;
use alloy::rpc::types::{Block, TransactionRequest};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use revm::bytecode::Bytecode;
use revm::context::result::{EVMError, ExecutionResult, InvalidTransaction, Output, ResultAndState};
use revm::context::{BlockEnv, CfgEnv, TxEnv};
use revm::context_interface::either::Either;
use revm::database::{CacheDB, EmptyDB};
use revm::primitives::hardfork::SpecId;
use revm::state::AccountInfo;
use revm::{Context, DatabaseCommit as _, DatabaseRef as _, ExecuteEvm as _, MainBuilder as _, MainContext as _};

use super::blocks::{Blocks, Executed, Terms, preview};
use super::error::RpcError;
use super::pool::Pool;
use super::{BLOCK_GAS_LIMIT, CALL_GAS, MAX_REORG, MAX_TIME_OFFSET};

/// Ancestors whose hash the BLOCKHASH instruction knows.
const BLOCK_HASHES: u64 = 256;

/// Which of the sender's means are checked before execution.
#[derive(Clone, Copy, PartialEq)]
enum Checks {
    /// Everything: a transaction in a block.
    All,
    /// Everything but the nonce: a transaction on its way into the pool.
    Admission,
    /// No nonce, no balance, no fees, any sender: a call.
    None,
}

/// The accounts after one block, for calls.
pub(crate) struct State<'a> {
    chain: &'a Chain,
    accounts: &'a CacheDB<EmptyDB>,
    /// Number and time of a block before the latest.
    block: Option<(u64, u64)>,
}

/// The chain.
pub(crate) struct Chain {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// What was mined.
    pub blocks: Blocks,
    /// What waits.
    pub pool: Pool,
    /// What the next block has besides its content.
    pub terms: Terms,
    pub(super) accounts: CacheDB<EmptyDB>,
    /// The accounts before each of the latest blocks, newest last.
    pub(super) undo: VecDeque<CacheDB<EmptyDB>>,
    time_offset: u64,
}

impl Chain {
    /// A chain without accounts whose block 0 carries the time `now`, seconds.
    pub fn new(chain_id: u64, now: u64) -> Self {
        let (blocks, accounts) = (Blocks::new(now), CacheDB::new(EmptyDB::default()));
        let (pool, terms, undo) = (Pool::default(), Terms::default(), VecDeque::new());
        let mut chain = Self { chain_id, blocks, pool, terms, accounts, undo, time_offset: 0 };
        chain.remember_hash();
        chain
    }

    /// Puts a signed EIP-2718 transaction into the pool and answers its hash.
    ///
    /// Refuses what could never be executed: see [`RpcError`] for the codes. A nonce ahead of the account's is no reason.
    pub fn submit(&mut self, raw: &[u8], now: u64) -> Result<B256, RpcError> {
        let transaction = TxEnvelope::decode_2718_exact(raw)
            .map_err(|error| RpcError::invalid_params(format!("undecodable transaction: {error}")))?;
        let transaction = transaction
            .try_into_recovered()
            .map_err(|_| RpcError::invalid_params("undecodable transaction: invalid signature"))?;
        if transaction.tx_type() == TxType::Eip4844 {
            return Err(RpcError::refused("blob transactions are not supported"));
        }
        let hash = *transaction.tx_hash();
        if self.blocks.transaction(&hash).is_some() || self.pool.get(&hash).is_some() {
            return Err(RpcError::refused("already known"));
        }
        let next = self.nonce(&transaction.signer());
        if transaction.nonce() < next {
            return Err(RpcError::refused(format!(
                "nonce too low: next nonce {next}, tx nonce {}",
                transaction.nonce()
            )));
        }
        self.execute(transaction_environment(&transaction), now, Checks::Admission).map_err(invalid)?;
        self.pool.insert(transaction).map_err(|error| RpcError::refused(error.to_string()))?;
        Ok(hash)
    }

    /// Mines one block of what is ready, in order of arrival, as far as the gas of a block reaches. It may be empty.
    pub fn mine(&mut self, now: u64) -> B256 {
        let timestamp = self.next_timestamp(now);
        self.undo.push_back(self.accounts.clone());
        if self.undo.len() > MAX_REORG {
            self.undo.pop_front();
        }
        let (mut executed, mut skip, mut gas_left) = (Vec::new(), Vec::new(), BLOCK_GAS_LIMIT);
        while let Some(transaction) = self.pool.next_ready(&skip, self.terms.base_fee, |sender| self.nonce(sender)) {
            let sender = transaction.signer();
            if transaction.gas_limit() > gas_left {
                skip.push(sender);
                continue;
            }
            self.pool.remove(&sender, transaction.nonce());
            match self.execute(transaction_environment(&transaction), now, Checks::All) {
                Ok(ResultAndState { result, state }) => {
                    self.accounts.commit(state);
                    gas_left -= result.tx_gas_used();
                    executed.push(finish(transaction, result));
                }
                // It was valid when it came in; something before it took its means.
                Err(error) => {
                    tracing::warn!(hash = %transaction.tx_hash(), error = %invalid(error).message, "transaction dropped")
                }
            }
        }
        let accounts = &self.accounts;
        self.pool.forget_passed(|sender| account(accounts, sender).nonce);
        let hash = self.blocks.extend(timestamp, self.terms, executed);
        self.remember_hash();
        hash
    }

    /// Mines until nothing is ready any more; no block if nothing was.
    pub fn mine_ready(&mut self, now: u64) {
        while self.pool.next_ready(&[], self.terms.base_fee, |sender| self.nonce(sender)).is_some() {
            self.mine(now);
        }
    }

    /// The block that would be mined now, not executed.
    pub fn pending_block(&self, now: u64) -> Block {
        let waiting = self.pool.ready(self.terms.base_fee, |sender| self.nonce(sender));
        let (parent, number) = (self.blocks.latest().hash, self.blocks.height() + 1);
        preview(parent, number, self.next_timestamp(now), self.terms, waiting)
    }

    /// The state after the latest block.
    pub fn state(&self) -> State<'_> {
        State { chain: self, accounts: &self.accounts, block: None }
    }

    /// The state after the block `number`; none if it is not kept.
    pub fn state_at(&self, number: u64) -> Option<State<'_>> {
        let behind = usize::try_from(self.blocks.height().checked_sub(number)?).ok()?;
        if behind == 0 {
            return Some(self.state());
        }
        let accounts = self.undo.get(self.undo.len().checked_sub(behind)?)?;
        let header = &self.blocks.by_number(number)?.block.header;
        Some(State { chain: self, accounts, block: Some((number, header.timestamp)) })
    }

    fn nonce(&self, address: &Address) -> u64 {
        self.account(address).nonce
    }
}

impl State<'_> {
    /// Runs `request` at the time `now`, or at that of an older block, and answers its output.
    pub fn call(&self, request: TransactionRequest, now: u64) -> Result<Bytes, RpcError> {
        let result = self.simulate(request, now)?;
        match result {
            ExecutionResult::Success { output: Output::Call(bytes) | Output::Create(bytes, _), .. } => Ok(bytes),
            ExecutionResult::Revert { output, .. } => Err(RpcError::reverted(output)),
            ExecutionResult::Halt { reason, .. } => Err(RpcError::refused(format!("execution halted: {reason:?}"))),
        }
    }

    /// A gas limit with which `request` would succeed now: what it used, before refunds, and a quarter more for the gas
    /// that has to be at hand while a call runs (EIP-150); exact for a plain transfer of value.
    pub fn estimate(&self, request: TransactionRequest, now: u64) -> Result<u64, RpcError> {
        let plain = request.input.input().is_none_or(|input| input.is_empty())
            && matches!(request.to, Some(TxKind::Call(to)) if self.code(&to).is_empty());
        let result = self.simulate(request, now)?;
        match result {
            ExecutionResult::Success { gas, .. } if plain => Ok(gas.tx_gas_used()),
            ExecutionResult::Success { gas, .. } => {
                let used = gas.total_gas_spent().max(gas.floor_gas());
                Ok(used.saturating_add(used / 4).saturating_add(10_000).min(BLOCK_GAS_LIMIT))
            }
            ExecutionResult::Revert { output, .. } => Err(RpcError::reverted(output)),
            ExecutionResult::Halt { reason, .. } => Err(RpcError::refused(format!("execution halted: {reason:?}"))),
        }
    }

    /// Balance, wei.
    pub fn balance(&self, address: &Address) -> U256 {
        self.account(address).balance
    }

    /// Transactions that the account has executed: its next nonce.
    pub fn nonce(&self, address: &Address) -> u64 {
        self.account(address).nonce
    }

    /// Runtime code; empty where there is none.
    pub fn code(&self, address: &Address) -> Bytes {
        let info = self.account(address);
        let code = match info.code {
            Some(code) => Ok(code),
            None => self.accounts.code_by_hash_ref(info.code_hash),
        };
        code.map(|code| code.original_bytes()).unwrap_or_default()
    }

    /// One storage slot.
    pub fn storage(&self, address: &Address, slot: U256) -> B256 {
        self.accounts.storage_ref(*address, slot).unwrap_or_default().into()
    }

    fn account(&self, address: &Address) -> AccountInfo {
        account(self.accounts, address)
    }
}

impl Chain {
    /// Sets a balance, wei, out of nothing.
    pub fn set_balance(&mut self, address: Address, balance: U256) {
        let info = AccountInfo { balance, ..self.account(&address) };
        self.accounts.insert_account_info(address, info);
    }

    /// Sets how many transactions an account has executed, as if it had.
    pub fn set_nonce(&mut self, address: Address, nonce: u64) {
        let info = AccountInfo { nonce, ..self.account(&address) };
        self.accounts.insert_account_info(address, info);
    }

    /// Sets runtime code; storage stays.
    pub fn set_code(&mut self, address: Address, code: Bytes) -> Result<(), RpcError> {
        let code = Bytecode::new_raw_checked(code)
            .map_err(|error| RpcError::invalid_params(format!("invalid code: {error}")))?;
        let info = AccountInfo { code_hash: code.hash_slow(), code: Some(code), ..self.account(&address) };
        self.accounts.insert_account_info(address, info);
        Ok(())
    }

    /// Moves the chain's clock ahead and answers by how much it is ahead altogether, seconds.
    pub fn increase_time(&mut self, seconds: u64) -> Result<u64, RpcError> {
        self.time_offset = self
            .time_offset
            .checked_add(seconds)
            .filter(|offset| *offset <= MAX_TIME_OFFSET)
            .ok_or_else(|| RpcError::invalid_params("that is too far in the future"))?;
        Ok(self.time_offset)
    }

    fn account(&self, address: &Address) -> AccountInfo {
        account(&self.accounts, address)
    }

    /// Time of a block mined now, seconds.
    fn next_timestamp(&self, now: u64) -> u64 {
        now.saturating_add(self.time_offset).max(self.blocks.latest().timestamp)
    }

    fn remember_hash(&mut self) {
        let (height, hash) = (self.blocks.height(), self.blocks.latest().hash);
        let known = &mut self.accounts.cache.block_hashes;
        known.insert(U256::from(height), hash);
        if let Some(old) = height.checked_sub(BLOCK_HASHES) {
            known.remove(&U256::from(old));
        }
    }

    /// Executes on the current state in the environment of the next block, and changes nothing.
    fn execute(&self, transaction: TxEnv, now: u64, checks: Checks) -> Result<ResultAndState, Failure> {
        self.state().execute(transaction, now, checks)
    }
}

impl State<'_> {
    fn simulate(&self, request: TransactionRequest, now: u64) -> Result<ExecutionResult, RpcError> {
        if request.sidecar.is_some() || request.blob_versioned_hashes.is_some() {
            return Err(RpcError::invalid_params("blobs are not supported"));
        }
        let data =
            request.input.try_into_unique_input().map_err(|error| RpcError::invalid_params(error.to_string()))?;
        let authorizations = request.authorization_list.unwrap_or_default();
        let price = request.max_fee_per_gas.or(request.gas_price).unwrap_or_default();
        let environment = TxEnv {
            tx_type: if authorizations.is_empty() { TxType::Eip1559 } else { TxType::Eip7702 } as u8,
            caller: request.from.unwrap_or_default(),
            gas_limit: request.gas.unwrap_or(CALL_GAS).min(BLOCK_GAS_LIMIT),
            // A call pays nothing; its code sees the price that it names, as on other nodes.
            gas_price: price,
            gas_priority_fee: Some(request.max_priority_fee_per_gas.unwrap_or(price)),
            kind: request.to.unwrap_or(TxKind::Create),
            value: request.value.unwrap_or_default(),
            data: data.unwrap_or_default(),
            nonce: 0,
            chain_id: Some(request.chain_id.unwrap_or(self.chain.chain_id)),
            access_list: request.access_list.unwrap_or_default(),
            blob_hashes: Vec::new(),
            max_fee_per_blob_gas: 0,
            authorization_list: authorizations.into_iter().map(Either::Left).collect(),
        };
        Ok(self.execute(environment, now, Checks::None).map_err(invalid)?.result)
    }

    /// Executes in the environment of the next block after the latest state, and in that of its own block after an older one;
    /// changes nothing.
    fn execute(&self, transaction: TxEnv, now: u64, checks: Checks) -> Result<ResultAndState, Failure> {
        let chain = self.chain;
        let (number, timestamp) = self.block.unwrap_or_else(|| (chain.blocks.height() + 1, chain.next_timestamp(now)));
        let mut rules = CfgEnv::new_with_spec(SpecId::PRAGUE).with_chain_id(chain.chain_id);
        rules.disable_nonce_check = checks != Checks::All;
        rules.disable_balance_check = checks == Checks::None;
        rules.disable_eip3607 = checks == Checks::None;
        rules.disable_base_fee = checks == Checks::None;
        let block = BlockEnv {
            number: U256::from(number),
            timestamp: U256::from(timestamp),
            gas_limit: BLOCK_GAS_LIMIT,
            basefee: chain.terms.base_fee,
            ..BlockEnv::default()
        };
        let mut evm = Context::mainnet().with_ref_db(self.accounts).with_cfg(rules).with_block(block).build_mainnet();
        evm.transact(transaction)
    }
}

fn account(accounts: &CacheDB<EmptyDB>, address: &Address) -> AccountInfo {
    accounts.basic_ref(*address).ok().flatten().unwrap_or_default()
}

type Failure = EVMError<core::convert::Infallible, InvalidTransaction>;

/// The words of a refusal, as nodes commonly put them, since clients match on them.
fn invalid(error: Failure) -> RpcError {
    let EVMError::Transaction(reason) = error else {
        return RpcError::refused(error.to_string());
    };
    RpcError::refused(match reason {
        InvalidTransaction::LackOfFundForMaxFee { fee, balance } => {
            format!("insufficient funds for gas * price + value: balance {balance}, tx cost {fee}")
        }
        InvalidTransaction::CallGasCostMoreThanGasLimit { initial_gas, gas_limit } => {
            format!("intrinsic gas too low: gas {gas_limit}, minimum needed {initial_gas}")
        }
        InvalidTransaction::GasPriceLessThanBasefee => "max fee per gas less than block base fee".to_owned(),
        InvalidTransaction::CallerGasLimitMoreThanBlock => "exceeds block gas limit".to_owned(),
        InvalidTransaction::InvalidChainId => "invalid chain id for signer".to_owned(),
        other => other.to_string(),
    })
}

fn transaction_environment(transaction: &Recovered<TxEnvelope>) -> TxEnv {
    TxEnv {
        tx_type: transaction.ty(),
        caller: transaction.signer(),
        gas_limit: transaction.gas_limit(),
        gas_price: transaction.max_fee_per_gas(),
        gas_priority_fee: transaction.max_priority_fee_per_gas(),
        kind: transaction.kind(),
        value: transaction.value(),
        data: transaction.input().clone(),
        nonce: transaction.nonce(),
        chain_id: transaction.chain_id(),
        access_list: transaction.access_list().cloned().unwrap_or_default(),
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: transaction
            .authorization_list()
            .unwrap_or_default()
            .iter()
            .cloned()
            .map(Either::Left)
            .collect(),
    }
}

fn finish(transaction: Recovered<TxEnvelope>, result: ExecutionResult) -> Executed {
    let (success, gas_used) = (result.is_success(), result.tx_gas_used());
    let created = match &result {
        ExecutionResult::Success { output: Output::Create(_, address), .. } => *address,
        _ => None,
    };
    // What failed has no logs, whatever it emitted before.
    let logs = if success { result.into_logs() } else { Vec::new() };
    Executed { transaction, success, gas_used, logs, created }
}
