//! Payments that reached an account, found from the chain alone: for what must stay in a wallet whose ledger is lost.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_sol_types::SolCall;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Block, ChainView, LOG_WINDOW_BLOCKS, MAX_LOG_WINDOWS, RpcError, token};

/// Payments that one search takes in, count; more is [`RpcError::HistoryTooLong`].
const MAX_PAYMENTS: usize = 200_000;
/// Payers that one log query names.
const PAYERS_PER_QUERY: usize = 100;

/// A payment by authorization that reached the account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Incoming {
    /// Who paid.
    pub payer: Address,
    /// The authorization's nonce.
    pub nonce: B256,
    /// Atomic units.
    pub amount: U256,
    /// The transaction that paid.
    pub transaction: B256,
}

/// What a search found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Received {
    /// Every payment by authorization, in no particular order.
    pub payments: Vec<Incoming>,
    /// First block that was searched.
    pub from: u64,
}

/// The members of a log that are used here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
    transaction_hash: B256,
    log_index: U64,
}

/// Events of one transaction by one account: place in the block, and nonce.
type Uses = BTreeMap<(B256, B256), Vec<(u64, B256)>>;

impl ChainView {
    /// Every payment by authorization to `account` in the blocks up to `head`, back to the time `since` (Unix seconds).
    ///
    /// A transfer counts as the payment of the last authorization that the same payer used before it in the same
    /// transaction. That may take in a transfer which was none; it leaves out no payment.
    ///
    /// # Errors
    /// If the node does not answer, or there is too much to search.
    pub async fn received(&self, account: Address, since: u64, head: &Block) -> Result<Received, RpcError> {
        let (mut payments, mut newest) = (Vec::new(), head.number);
        for _ in 0..MAX_LOG_WINDOWS {
            let oldest = newest.saturating_sub(LOG_WINDOW_BLOCKS - 1);
            payments.extend(self.received_between(account, oldest, newest).await?);
            if payments.len() > MAX_PAYMENTS {
                return Err(RpcError::HistoryTooLong);
            }
            if oldest == 0 || self.time_of(oldest).await? < since {
                return Ok(Received { payments, from: oldest });
            }
            newest = oldest - 1;
        }
        Err(RpcError::HistoryTooLong)
    }

    async fn received_between(&self, account: Address, from: u64, to: u64) -> Result<Vec<Incoming>, RpcError> {
        let moved = self.events(from, to, json!([token::MOVED, null_topic(), token::topic(account)])).await?;
        let payers: BTreeSet<B256> = moved.iter().filter_map(|event| event.topics.get(1)).copied().collect();
        let payers: Vec<B256> = payers.into_iter().collect();
        let mut uses = Uses::new();
        for some in payers.chunks(PAYERS_PER_QUERY) {
            for used in self.events(from, to, json!([token::USED, some])).await? {
                let [_, payer, nonce] = used.topics[..] else { return Err(RpcError::Malformed) };
                uses.entry((used.transaction_hash, payer)).or_default().push((used.log_index.to(), nonce));
            }
        }
        moved.iter().filter_map(|event| payment(event, &uses).transpose()).collect()
    }

    async fn events(&self, from: u64, to: u64, topics: Value) -> Result<Vec<Event>, RpcError> {
        let asset = self.asset().address;
        let (from, to) = (U64::from(from), U64::from(to));
        let filter = json!({ "address": asset, "fromBlock": from, "toBlock": to, "topics": topics });
        let found: Vec<Event> = self.rpc().call("eth_getLogs", json!([filter])).await?;
        if found.iter().all(|event| event.address == asset) { Ok(found) } else { Err(RpcError::Malformed) }
    }

    /// The height at which a transaction is in a block; none if it is in none.
    pub async fn height_of(&self, transaction: B256) -> Result<Option<u64>, RpcError> {
        let receipt = self.rpc().receipt(transaction).await?;
        Ok(receipt.and_then(|receipt| receipt.block_number).map(|number| number.to()))
    }

    /// The token balance of `account` after `block`, atomic units.
    pub async fn held_at(&self, account: Address, block: &Block) -> Result<U256, RpcError> {
        self.ask_at(&token::balanceOfCall { account }, block).await
    }

    /// Whether `account` has used or cancelled the nonce after `block`.
    pub async fn is_used_at(&self, account: Address, nonce: B256, block: &Block) -> Result<bool, RpcError> {
        self.ask_at(&token::authorizationStateCall { authorizer: account, nonce }, block).await
    }

    /// Asked by the block's hash (EIP-1898): a backend that does not know it answers with an error, not from another state.
    async fn ask_at<C: SolCall>(&self, call: &C, block: &Block) -> Result<C::Return, RpcError> {
        let input = Bytes::from(call.abi_encode());
        let message = json!({ "to": self.asset().address, "input": input, "data": input });
        let at = json!({ "blockHash": block.hash, "requireCanonical": true });
        let answer: Bytes = self.rpc().call("eth_call", json!([message, at])).await?;
        C::abi_decode_returns(&answer).map_err(|_| RpcError::Malformed)
    }
}

/// Any value in this place.
const fn null_topic() -> Value {
    Value::Null
}

/// The payment that a transfer made; none if its payer used no authorization before it.
fn payment(event: &Event, uses: &Uses) -> Result<Option<Incoming>, RpcError> {
    let [_, payer, _] = event.topics[..] else { return Err(RpcError::Malformed) };
    let amount = <[u8; 32]>::try_from(event.data.as_ref()).map_err(|_| RpcError::Malformed)?;
    let place: u64 = event.log_index.to();
    let before = uses.get(&(event.transaction_hash, payer)).into_iter().flatten().filter(|(at, _)| *at < place);
    Ok(before.max_by_key(|(at, _)| *at).map(|(_, nonce)| Incoming {
        payer: Address::from_word(payer),
        nonce: *nonce,
        amount: U256::from_be_bytes(amount),
        transaction: event.transaction_hash,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(place: u64, topics: Vec<B256>, amount: u64) -> Event {
        let data = U256::from(amount).to_be_bytes::<32>().into();
        Event {
            address: Address::ZERO,
            topics,
            data,
            transaction_hash: B256::repeat_byte(7),
            log_index: U64::from(place),
        }
    }

    #[test]
    fn a_transfer_belongs_to_the_last_authorization_that_its_payer_used_before_it() {
        let (payer, to) = (B256::left_padding_from(&[1; 20]), B256::left_padding_from(&[2; 20]));
        let moved = |place| event(place, vec![token::MOVED, payer, to], 5);
        let transaction = B256::repeat_byte(7);
        let nonce = |place, uses: &[(u64, u8)]| {
            let uses = uses.iter().map(|(at, byte)| (*at, B256::repeat_byte(*byte))).collect();
            let found = payment(&moved(place), &Uses::from([((transaction, payer), uses)]));
            found.map(|found| found.map(|found| found.nonce))
        };
        assert_eq!(nonce(4, &[(1, 1), (3, 2), (6, 3)]), Ok(Some(B256::repeat_byte(2))));
        assert_eq!(nonce(4, &[(3, 2), (1, 1)]), Ok(Some(B256::repeat_byte(2))));
        assert_eq!(nonce(0, &[(1, 1)]), Ok(None), "used after it");
        let others =
            Uses::from([((B256::ZERO, payer), vec![(1, B256::ZERO)]), ((transaction, to), vec![(1, B256::ZERO)])]);
        assert_eq!(payment(&moved(4), &others), Ok(None), "another transaction, another payer");
        let short = Event { data: Bytes::new(), ..moved(4) };
        assert_eq!(payment(&short, &others), Err(RpcError::Malformed));
    }
}
