//! `eth_getLogs`: which logs of which blocks a filter selects.

use alloy::eips::BlockNumberOrTag;
use alloy::rpc::types::{Filter, FilterBlockOption, Log};

use super::MAX_LOGS;
use super::blocks::{Blocks, Mined};
use super::error::RpcError;

/// The logs that `filter` selects, oldest first. Without a range that is the latest block, as the standard has it.
/// Blocks beyond the latest simply have no logs yet.
pub(crate) fn select(blocks: &Blocks, filter: &Filter) -> Result<Vec<Log>, RpcError> {
    let mut found = Vec::new();
    match filter.block_option {
        FilterBlockOption::AtBlockHash(hash) => {
            let mined = blocks.by_hash(&hash).ok_or_else(|| RpcError::refused("unknown block"))?;
            append(mined, filter, &mut found)?;
        }
        FilterBlockOption::Range { from_block, to_block } => {
            let from = number(blocks, from_block.unwrap_or_default());
            let to = number(blocks, to_block.unwrap_or_default());
            if from > to {
                return Err(RpcError::invalid_params("invalid block range: fromBlock is after toBlock"));
            }
            for number in from.max(blocks.earliest())..=to.min(blocks.height()) {
                if let Some(mined) = blocks.by_number(number) {
                    append(mined, filter, &mut found)?;
                }
            }
        }
    }
    Ok(found)
}

fn append(mined: &Mined, filter: &Filter, found: &mut Vec<Log>) -> Result<(), RpcError> {
    if !filter.matches_bloom(mined.block.header.logs_bloom) {
        return Ok(());
    }
    for log in mined.logs().filter(|log| filter.matches(&log.inner)) {
        if found.len() == MAX_LOGS {
            return Err(RpcError::refused(format!("query returned more than {MAX_LOGS} results: narrow the range")));
        }
        found.push(log.clone());
    }
    Ok(())
}

/// A waiting transaction has no logs, so `pending` reaches as far as `latest`.
fn number(blocks: &Blocks, tag: BlockNumberOrTag) -> u64 {
    match tag {
        BlockNumberOrTag::Number(number) => number,
        BlockNumberOrTag::Earliest => blocks.earliest(),
        BlockNumberOrTag::Latest | BlockNumberOrTag::Finalized | BlockNumberOrTag::Safe | BlockNumberOrTag::Pending => {
            blocks.height()
        }
    }
}
