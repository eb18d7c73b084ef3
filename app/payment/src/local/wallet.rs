//! The nonce manager: the one owner of the wallet's account nonces in this process.
//!
//! A caller reserves a nonce, stores what it signed with it, and hands it over; several go on side by side. From then on the
//! keeper ([`super::keeper`]) follows the transaction until it is mined, whether anybody waits for it or not. Where several
//! processes share the wallet, each nonce is leased ([`NonceLeases`]), so that no two use the same one, and what a process
//! leaves behind falls to the others.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use alloy_primitives::{Address, B256};
use k256::ecdsa::SigningKey;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::{
    fees::{self, Market},
    leases::NonceLeases,
    nonces::{Flight, Nonces, View},
    options::LocalOptions,
    transaction::Body,
};
use crate::{
    authorize::address_of,
    chain::{Rpc, RpcError},
    facilitator::{SignedTransaction, Unavailable},
};

/// How long a lease lasts that is not renewed.
pub(super) const LEASE: Duration = Duration::from_secs(30);
/// Oldest view of the chain by which a nonce is chosen. Far below [`LEASE`]: a nonce must not be free again for its lease
/// before its use is seen here.
const OLDEST_VIEW: Duration = Duration::from_secs(10);
/// A view that is younger is not asked for anew.
const FRESH_VIEW: Duration = Duration::from_secs(1);
/// How long a price of gas is taken for the present one.
const PRICE_KNOWN: Duration = Duration::from_secs(120);

/// The wallet with its nonces.
pub(super) struct Wallet {
    pub(super) rpc: Rpc,
    pub(super) chain_id: u64,
    pub(super) key: SigningKey,
    pub(super) address: Address,
    pub(super) options: LocalOptions,
    pub(super) leases: Arc<dyn NonceLeases>,
    nonces: Mutex<Nonces>,
    /// Mined for good, their leases not given back yet.
    pub(super) forgotten: Mutex<Vec<u64>>,
    latest: watch::Sender<Option<u64>>,
    /// One question at a time, so that answers come in order.
    asking: tokio::sync::Mutex<()>,
    price: Mutex<Option<(u128, Instant)>>,
    /// There is something new for the keeper.
    pub(super) wake: Notify,
}

/// An account nonce that is one caller's alone. Dropped, it is free again, unless a transaction uses it.
pub(super) struct Reserved {
    wallet: Arc<Wallet>,
    nonce: u64,
}

impl Reserved {
    pub(super) const fn nonce(&self) -> u64 {
        self.nonce
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.wallet.nonces().free(self.nonce, Instant::now());
    }
}

impl Wallet {
    pub(super) fn new(
        rpc: Rpc,
        chain_id: u64,
        key: SigningKey,
        options: LocalOptions,
        leases: Arc<dyn NonceLeases>,
    ) -> Self {
        let address = address_of(&key);
        Self {
            rpc,
            chain_id,
            key,
            address,
            options,
            leases,
            nonces: Mutex::default(),
            forgotten: Mutex::default(),
            latest: watch::Sender::new(None),
            asking: tokio::sync::Mutex::default(),
            price: Mutex::default(),
            wake: Notify::new(),
        }
    }

    pub(super) fn nonces(&self) -> MutexGuard<'_, Nonces> {
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next nonce that a block takes, as it changes.
    pub(super) fn latest(&self) -> watch::Receiver<Option<u64>> {
        self.latest.subscribe()
    }

    /// Sees to a view of the chain that is not older than a second.
    pub(super) async fn glance(&self) -> Result<(), RpcError> {
        self.look(FRESH_VIEW).await
    }

    /// Sees to a view of the chain that is not older than `age`.
    pub(super) async fn look(&self, age: Duration) -> Result<(), RpcError> {
        let _turn = self.asking.lock().await;
        if self.nonces().view(age, Instant::now()).is_some_and(|_| !age.is_zero()) {
            return Ok(());
        }
        let (latest, pending) = tokio::join!(self.rpc.nonce(self.address), self.rpc.pending_nonce(self.address));
        let latest = latest?;
        // Two back ends may stand behind one address.
        let view = View { latest, pending: pending?.max(latest) };
        let mined = self.nonces().observe(view, Instant::now());
        self.forgotten.lock().unwrap_or_else(PoisonError::into_inner).extend(mined);
        self.latest.send_replace(Some(latest));
        Ok(())
    }

    /// Takes a nonce; waits while too many are open.
    pub(super) async fn reserve(self: &Arc<Self>) -> Result<Reserved, Unavailable> {
        let deadline = Instant::now() + self.options.confirm_timeout;
        let mut latest = self.latest();
        self.look(OLDEST_VIEW).await?;
        loop {
            let Some(nonce) = self.nonces().reserve(Instant::now()) else {
                self.wake.notify_one();
                let changed = tokio::time::timeout_at(deadline, latest.changed()).await;
                changed.map_err(|_| Unavailable::Busy)?.map_err(|_| Unavailable::Busy)?;
                continue;
            };
            let reserved = Reserved { wallet: Arc::clone(self), nonce };
            match self.leases.lease(nonce, LEASE).await {
                Ok(true) => return Ok(reserved),
                Ok(false) => self.nonces().taken(nonce, Instant::now()),
                Err(_) => return Err(Unavailable::Busy),
            }
        }
    }

    /// Follows a transaction of this wallet from now on. `None` if it is another's, or if its nonce is used.
    pub(super) fn follow(&self, transaction: &SignedTransaction) -> Option<u64> {
        let nonce = self.own_nonce(transaction)?;
        let (_, body) = Body::read(&transaction.raw)?;
        let followed = self.nonces().follow(nonce, Flight::new(transaction.clone(), body), Instant::now());
        self.wake.notify_one();
        followed.then_some(nonce)
    }

    /// The nonce of a transaction that this wallet signed.
    pub(super) fn own_nonce(&self, transaction: &SignedTransaction) -> Option<u64> {
        let (signer, body) = Body::read(&transaction.raw)?;
        (signer == self.address).then(|| body.nonce())
    }

    /// Adds to `hashes` the versions of its first transaction that were made meanwhile.
    pub(super) fn versions(&self, nonce: u64, hashes: &mut Vec<B256>) {
        let Some(first) = hashes.first().copied() else { return };
        if let Some(all) = self.nonces().versions(nonce, first) {
            let new: Vec<B256> = all.iter().filter(|hash| !hashes.contains(hash)).copied().collect();
            hashes.extend(new);
        }
    }

    /// What gas costs now, asked of the node and remembered.
    pub(super) async fn market(&self) -> Result<Market, Unavailable> {
        let market = fees::market(&self.rpc).await?;
        *self.price.lock().unwrap_or_else(PoisonError::into_inner) = Some((market.price, Instant::now()));
        Ok(market)
    }

    /// What a unit of gas cost lately, wei; none if that was too long ago.
    pub(super) fn price(&self) -> Option<u128> {
        let known = *self.price.lock().unwrap_or_else(PoisonError::into_inner);
        known.filter(|(_, at)| at.elapsed() < PRICE_KNOWN).map(|(price, _)| price)
    }
}
