//! Blocks that were mined, with their transactions and receipts in the shape in which clients read them.
//!
//! Guarantees consecutive numbers, hashes that are the keccak of the header, and at most [`MAX_BLOCKS`] blocks.

use std::collections::{HashMap, VecDeque};

use alloy::consensus::proofs::{calculate_receipt_root, calculate_transaction_root};
use alloy::consensus::transaction::{Recovered, TransactionInfo};
use alloy::consensus::{
    Block as ConsensusBlock, BlockBody, EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, Eip658Value, Header, Receipt,
    ReceiptEnvelope, ReceiptWithBloom, Transaction as _, TxEnvelope, TxType,
};
use alloy::eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy::rpc::types::{Block, BlockTransactions, Log as RpcLog, Transaction, TransactionReceipt};
use alloy_primitives::{Address, B256, Bloom, Bytes, Log, logs_bloom};

use super::{BASE_FEE, BLOCK_GAS_LIMIT, MAX_BLOCKS};

/// What a block has besides its content.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    /// Base fee, wei per gas.
    pub base_fee: u64,
    /// How often the chain was reorganized: a block that takes another's place differs from it.
    pub fork: u64,
}

impl Default for Terms {
    fn default() -> Self {
        Self { base_fee: BASE_FEE, fork: 0 }
    }
}

/// A transaction and what came of it, before its block is known.
pub(crate) struct Executed {
    /// The transaction.
    pub transaction: Recovered<TxEnvelope>,
    /// False if it reverted or ran out of gas.
    pub success: bool,
    /// Gas after refunds.
    pub gas_used: u64,
    /// Logs, in order.
    pub logs: Vec<Log>,
    /// Contract that it created.
    pub created: Option<Address>,
}

/// A block with its receipts.
pub(crate) struct Mined {
    /// The block with full transactions.
    pub block: Block,
    /// One receipt per transaction, in order.
    pub receipts: Vec<TransactionReceipt>,
}

impl Mined {
    /// Hash of the header.
    pub fn hash(&self) -> B256 {
        self.block.header.hash
    }

    /// Every log of the block, in order.
    pub fn logs(&self) -> impl Iterator<Item = &RpcLog> {
        self.receipts.iter().flat_map(|receipt| receipt.logs())
    }
}

/// The chain of blocks.
pub(crate) struct Blocks {
    first: u64,
    blocks: VecDeque<Mined>,
    numbers: HashMap<B256, u64>,
    transactions: HashMap<B256, (u64, usize)>,
}

impl Blocks {
    /// A chain that begins with an empty block 0 at `timestamp`, seconds.
    pub fn new(timestamp: u64) -> Self {
        let mut blocks =
            Self { first: 0, blocks: VecDeque::new(), numbers: HashMap::new(), transactions: HashMap::new() };
        blocks.push(assemble(B256::ZERO, 0, timestamp, Terms::default(), Vec::new()));
        blocks
    }

    /// Header of the latest block.
    pub fn latest(&self) -> &alloy::rpc::types::Header {
        // Never empty: `new` pushes block 0 and `push` keeps at least MAX_BLOCKS - 1.
        &self.blocks[self.blocks.len() - 1].block.header
    }

    /// Number of the latest block.
    pub fn height(&self) -> u64 {
        self.latest().number
    }

    /// Number of the oldest block that is still known.
    pub fn earliest(&self) -> u64 {
        self.first
    }

    /// The block with this number.
    pub fn by_number(&self, number: u64) -> Option<&Mined> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.blocks.get(index)
    }

    /// The block with this hash.
    pub fn by_hash(&self, hash: &B256) -> Option<&Mined> {
        self.by_number(*self.numbers.get(hash)?)
    }

    /// The block that holds the transaction `hash`, and its index in there.
    pub fn transaction(&self, hash: &B256) -> Option<(&Mined, usize)> {
        let (number, index) = self.transactions.get(hash)?;
        Some((self.by_number(*number)?, *index))
    }

    /// Puts the transactions into the next block and answers its hash.
    pub fn extend(&mut self, timestamp: u64, terms: Terms, executed: Vec<Executed>) -> B256 {
        let (parent, number) = (self.latest().hash, self.height() + 1);
        let mined = assemble(parent, number, timestamp, terms, executed);
        let hash = mined.hash();
        self.push(mined);
        hash
    }

    /// Takes the latest block away; never the oldest that is known.
    pub fn pop(&mut self) -> Option<Mined> {
        if self.blocks.len() < 2 {
            return None;
        }
        let gone = self.blocks.pop_back()?;
        self.numbers.remove(&gone.hash());
        for receipt in &gone.receipts {
            self.transactions.remove(&receipt.transaction_hash);
        }
        Some(gone)
    }

    fn push(&mut self, mined: Mined) {
        while self.blocks.len() >= MAX_BLOCKS {
            let Some(old) = self.blocks.pop_front() else { break };
            self.first += 1;
            self.numbers.remove(&old.hash());
            for receipt in &old.receipts {
                self.transactions.remove(&receipt.transaction_hash);
            }
        }
        let number = mined.block.header.number;
        self.numbers.insert(mined.hash(), number);
        for (index, receipt) in mined.receipts.iter().enumerate() {
            self.transactions.insert(receipt.transaction_hash, (number, index));
        }
        self.blocks.push_back(mined);
    }
}

/// The block that would follow `parent` with transactions that have not been executed.
pub(crate) fn preview(
    parent: B256,
    number: u64,
    timestamp: u64,
    terms: Terms,
    waiting: Vec<&Recovered<TxEnvelope>>,
) -> Block {
    let bodies: Vec<TxEnvelope> = waiting.iter().map(|transaction| transaction.inner().clone()).collect();
    let header =
        Header { transactions_root: calculate_transaction_root(&bodies), ..header(parent, number, timestamp, terms) };
    let transactions = waiting.into_iter().map(|transaction| pending(transaction.clone())).collect();
    block(header, bodies).with_transactions(BlockTransactions::Full(transactions))
}

/// A transaction that is in no block yet, as clients read it.
pub(crate) fn pending(transaction: Recovered<TxEnvelope>) -> Transaction {
    Transaction::from_transaction(transaction, TransactionInfo::default())
}

/// Header of an empty block. The state root is zero: no trie is kept.
fn header(parent_hash: B256, number: u64, timestamp: u64, terms: Terms) -> Header {
    Header {
        parent_hash,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        number,
        gas_limit: BLOCK_GAS_LIMIT,
        timestamp,
        base_fee_per_gas: Some(terms.base_fee),
        extra_data: if terms.fork == 0 { Bytes::new() } else { terms.fork.to_be_bytes().into() },
        withdrawals_root: Some(EMPTY_ROOT_HASH),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        state_root: B256::ZERO,
        ..Default::default()
    }
}

fn block(header: Header, bodies: Vec<TxEnvelope>) -> Block {
    let body = BlockBody { transactions: bodies, ommers: Vec::new(), withdrawals: Some(Default::default()) };
    let consensus = ConsensusBlock { header, body };
    let converted: Block<TxEnvelope> = Block::from_consensus(consensus, Some(Default::default()));
    Block {
        header: converted.header,
        uncles: converted.uncles,
        transactions: BlockTransactions::Full(Vec::new()),
        withdrawals: converted.withdrawals,
    }
}

fn assemble(parent: B256, number: u64, timestamp: u64, terms: Terms, executed: Vec<Executed>) -> Mined {
    let mut cumulative = 0;
    let mut consensus = Vec::with_capacity(executed.len());
    for item in &executed {
        cumulative += item.gas_used;
        let logs_bloom = logs_bloom(&item.logs);
        let receipt = Receipt {
            status: Eip658Value::Eip658(item.success),
            cumulative_gas_used: cumulative,
            logs: item.logs.clone(),
        };
        consensus.push(envelope(item.transaction.tx_type(), ReceiptWithBloom { receipt, logs_bloom }));
    }
    let bodies: Vec<TxEnvelope> = executed.iter().map(|item| item.transaction.inner().clone()).collect();
    let header = Header {
        transactions_root: calculate_transaction_root(&bodies),
        receipts_root: calculate_receipt_root(&consensus),
        logs_bloom: consensus.iter().fold(Bloom::ZERO, |bloom, receipt| bloom | *receipt.logs_bloom()),
        gas_used: cumulative,
        ..header(parent, number, timestamp, terms)
    };
    let block = block(header, bodies);
    place(block, terms.base_fee, executed)
}

/// Fills in what only the finished block knows: its hash, and the positions of transactions and logs.
fn place(block: Block, base_fee: u64, executed: Vec<Executed>) -> Mined {
    let (hash, number, timestamp) = (block.header.hash, block.header.number, block.header.timestamp);
    let (mut cumulative, mut log_index) = (0, 0);
    let mut transactions = Vec::with_capacity(executed.len());
    let mut receipts = Vec::with_capacity(executed.len());
    for (index, item) in (0u64..).zip(executed) {
        let transaction_hash = *item.transaction.tx_hash();
        cumulative += item.gas_used;
        let logs_bloom = logs_bloom(&item.logs);
        let logs = (log_index..)
            .zip(item.logs)
            .map(|(log_index, inner)| RpcLog {
                inner,
                block_hash: Some(hash),
                block_number: Some(number),
                block_timestamp: Some(timestamp),
                transaction_hash: Some(transaction_hash),
                transaction_index: Some(index),
                log_index: Some(log_index),
                removed: false,
            })
            .collect::<Vec<_>>();
        log_index += logs.len() as u64;
        let receipt = Receipt { status: Eip658Value::Eip658(item.success), cumulative_gas_used: cumulative, logs };
        receipts.push(TransactionReceipt {
            inner: envelope(item.transaction.tx_type(), ReceiptWithBloom { receipt, logs_bloom }),
            transaction_hash,
            transaction_index: Some(index),
            block_hash: Some(hash),
            block_number: Some(number),
            gas_used: item.gas_used,
            effective_gas_price: item.transaction.effective_gas_price(Some(base_fee)),
            blob_gas_used: None,
            blob_gas_price: None,
            from: item.transaction.signer(),
            to: item.transaction.to(),
            contract_address: item.created,
        });
        let info = TransactionInfo {
            hash: Some(transaction_hash),
            index: Some(index),
            block_hash: Some(hash),
            block_number: Some(number),
            base_fee: Some(base_fee),
            block_timestamp: Some(timestamp),
        };
        transactions.push(Transaction::from_transaction(item.transaction, info));
    }
    Mined { block: block.with_transactions(BlockTransactions::Full(transactions)), receipts }
}

fn envelope<T>(kind: TxType, receipt: ReceiptWithBloom<Receipt<T>>) -> ReceiptEnvelope<T> {
    match kind {
        TxType::Legacy => ReceiptEnvelope::Legacy(receipt),
        TxType::Eip2930 => ReceiptEnvelope::Eip2930(receipt),
        TxType::Eip1559 => ReceiptEnvelope::Eip1559(receipt),
        TxType::Eip4844 => ReceiptEnvelope::Eip4844(receipt),
        TxType::Eip7702 => ReceiptEnvelope::Eip7702(receipt),
    }
}
