//! An EVM development chain in this process, behind JSON-RPC over HTTP, and the contracts that live on it.
//!
//! [`ChainServer`] serves what `alloy`, `viem` and `web3.py` ask of a node. Consensus is left out: blocks come at once or
//! at an interval, `safe` and `finalized` are the latest block, the base fee moves only when told to and the state root is
//! zero.
//! Everything else is computed as on a real chain: signatures, transaction and block hashes, transaction and receipt
//! roots, blooms, gas. Hard fork: Prague. Of older blocks the last [`MAX_REORG`] states are kept for calls that name a block
//! (EIP-1898 included); a call at a block before them is refused rather than answered from the wrong state.
//!
//! For tests there are faults on demand: a base fee that jumps (`devnet_setBaseFee`), blocks that go again
//! (`devnet_reorg`), a pool that forgets (`devnet_dropPending`). [`lag`] is for proxies that lag behind it.
//!
//! Sources: Ethereum execution-apis (methods and shapes), EIP-1474 (error codes), EIP-1559, EIP-2718, EIP-7623.

pub mod client;
pub mod contracts;
pub mod lag;
pub mod wallet;

mod blocks;
mod error;
mod faults;
mod filter;
mod jsonrpc;
mod methods;
mod params;
mod pool;
mod server;
mod state;

pub use server::{ChainOptions, ChainServer};

/// Gas that fits in a block, and so in a transaction.
pub const BLOCK_GAS_LIMIT: u64 = 30_000_000;
/// Gas that a call or an estimate may use when it names none.
pub const CALL_GAS: u64 = 16_000_000;
/// Base fee of every block unless a test sets another, wei per gas. It is not zero, so that an account without funds cannot send a transaction.
pub const BASE_FEE: u64 = 1_000_000_000;
/// Tip that the chain suggests, wei per gas.
pub const PRIORITY_FEE: u64 = 1_000_000_000;
/// Largest request body, bytes.
pub const MAX_BODY_BYTES: usize = 4 << 20;
/// Largest response body, bytes; what does not fit any more in a batch is answered with an error.
pub const MAX_RESPONSE_BYTES: usize = 32 << 20;
/// Most calls in one batch.
pub const MAX_BATCH: usize = 200;
/// Requests worked on or waiting for the chain at the same time.
pub const MAX_REQUESTS: usize = 64;
/// Most logs that one `eth_getLogs` answers.
pub const MAX_LOGS: usize = 10_000;
/// Most rows that one `eth_feeHistory` answers.
pub const MAX_FEE_HISTORY: u64 = 1_024;
/// Blocks that are remembered, with their transactions and receipts; older ones are forgotten.
pub const MAX_BLOCKS: usize = 65_536;
/// Transactions that wait for a block or for a nonce gap to close.
pub const MAX_POOL: usize = 4_096;
/// Of these, transactions of one sender.
pub const MAX_POOL_PER_SENDER: usize = 256;
/// Blocks that `devnet_reorg` can take away, and states before the latest that calls can name.
pub const MAX_REORG: usize = 16;
/// How far `evm_increaseTime` may move the clock altogether, seconds (ten years).
pub const MAX_TIME_OFFSET: u64 = 10 * 365 * 86_400;
