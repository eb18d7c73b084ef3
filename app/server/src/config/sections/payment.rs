//! Settings of payment: prices, networks, time.

use std::time::Duration;

use alloy_primitives::Address;
use precis_payment::http::Credential;

use crate::config::section::section;
use crate::config::shapes::{HeadAge, HttpUrl, PaymentIdentifier, Upfront};
use crate::config::value::Secret;

section! {
    /// Time of payment, and names for it.
    Payment {
        /// Work predicted to take longer than this is paid first, and refunded if it fails. Lower it, and payers trust the
        /// service with more money; raise it, and a payer who moves its money away before settlement gets that much work for
        /// nothing with each of its `limits.unsettled_per_payer` jobs. Needs the enclave wallet as payee. Default: `"3s"` with the
        /// enclave wallet as payee, else `"never"`.
        upfront_above: Option<Upfront>;
        /// Work predicted to take longer than this, and not paid first, is refused before payment. It bounds what a payer can
        /// get for nothing where payment comes last. Default: `"30s"` where `pay_to` is another address than the enclave wallet,
        /// else no limit.
        unpaid_up_to: Option<Duration>, "1s" to "30d";
        /// `"optional"` or `"required"`: whether payers must name their payments (x402 extension `payment-identifier`). Clients
        /// without the extension cannot pay where it is required.
        identifier: PaymentIdentifier = "optional";
        /// Settle payments of contract accounts (EIP-1271), which then pay before the work, one job at a time. Their code can make
        /// a settlement revert at the wallet's expense after any simulation. One that did is refused for a day (the ledger keeps
        /// 16 a day, and no longer than results; a process remembers more until it ends). Needs the enclave wallet as payee.
        contract_accounts: bool = "false";
    }
}

section! {
    /// A network that payments are taken on, up to eight; payers choose. One that fails is left out of new quotes until it is back,
    /// and the others go on. Where there is none, it is Base. Token and node have defaults on Base, Polygon, Arbitrum One,
    /// Avalanche C-Chain and their testnets (Base Sepolia, Polygon Amoy, Arbitrum Sepolia, Avalanche Fuji), and are required on
    /// other networks.
    Network {
        /// CAIP-2 name. A node that answers at the start and serves another chain ends it. Prices are the same on all networks, so that
        /// their tokens should be worth the same.
        network: precis_payment::Network = "eip155:8453";
        /// EIP-3009 token that is paid in. Prices are in its atomic units. Default: the network's USDC.
        asset: Option<Address>;
        /// EIP-712 domain name of the token. Payers sign it; one that the contract contradicts ends the start.
        asset_name: Option<String>;
        /// EIP-712 domain version of the token, as `asset_name`.
        asset_version: Option<String>;
        /// JSON-RPC nodes, today exactly one. The service believes the node about payments; its host stands in the keyset. It must
        /// answer at a block hash (EIP-1898) and know the tag `finalized`. In the file a URL has no user, password or query:
        /// `{key}` in it stands for the key in `rpc_keys`. Default: a public node of the network.
        rpc_urls: Vec<HttpUrl>;
        /// Keys of the nodes whose URL has `{key}`, in their order.
        rpc_keys: Vec<Secret<String>>;
        /// Payee. Another address than the enclave wallet excludes refunds, upfront payment and sweeps, and the money goes past
        /// the enclave. Set for every network or for none. Default: the enclave wallet.
        pay_to: Option<Address>;
        /// Blocks that must show a settlement before a result is released, the first included. More of them survive deeper
        /// reorganizations, and let callers wait longer.
        confirmations: u64 = "1", "1" to "100";
        /// Longest wait for a settlement. After that its outcome counts as unknown, and the caller gets a ticket.
        confirm_within: Duration = "20s", "1s" to "5m";
        /// Greatest age of the newest block while payments are taken; `"any"` is for chains that make blocks on demand. Above it
        /// the node counts as stuck. Default: 20 blocks at the chain's own pace, at least a minute.
        head_age: Option<HeadAge>;
        /// Most that one unit of gas may cost the wallet, gwei. Above it finished work waits and no payment is taken.
        max_gas_gwei: u64 = "100", "1" to "1000000";
        /// Atomic units of the token that one whole coin of the chain is worth (3000000000: one ETH is 3000 USDC). With it
        /// follows from a price what its settlement may cost. Default: unknown, so that only `max_gas_gwei` holds.
        coin_units: Option<u128>, "1" to "1000000000000000000000000";
        /// Percent of a price that the gas of its settlement may cost, where `coin_units` is given. While it costs more, quotes at
        /// that price are 503 `gas_price`; what is claimed already is settled up to `max_gas_gwei`. On rollups the data fee comes
        /// on top; leave room.
        gas_share_percent: u32 = "50", "1" to "10000";
    }
}

section! {
    /// A remote x402 facilitator that settles, instead of the enclave wallet.
    Facilitator {
        /// Its URL. It is asked and not believed: the chain has to show the settlement. 307 and 308 redirects within its
        /// origin are followed. Default: the enclave settles itself.
        url: Option<HttpUrl>;
        /// One header that is sent with every request to it, `Name: value`.
        credential: Option<Secret<Credential>>;
    }
}

section! {
    /// Destination of the enclave wallet's surplus. What may have to be refunded always stays.
    Sweep {
        /// Address that gets it, on every network. Default: nothing is swept.
        to: Option<Address>;
        /// Atomic units that stay on each network, beside what may have to be refunded.
        keep: u64 = "0";
        /// Time between two sweeps. Each costs gas.
        every: Duration = "24h", "1m" to "90d";
    }
}

section! {
    /// The price of a task, in atomic units of the token. It stands in the keyset, so that a change is seen by every caller; not
    /// both numbers are zero.
    TaskPrice {
        /// Charged for every order.
        base: Option<u64>;
        /// Charged for every started thousand of input tokens.
        per_1k_tokens: Option<u64>;
    }
}
