//! Claimed jobs as the ledger keeps them: read, moved on, held, ended, paid back. No step of a purchase is taken here.
//!
//! [`ledger`] reads and advances a record; [`context`] is what it keeps of the request, in the versions of [`stored`]; [`hold`]
//! gives a job to one replica; [`reverters`] are accounts refused for a day; [`found`]
//! asks the chain what became of a payment; [`receipts`] signs; [`ended`], [`fail`] and [`refund`] are the ends without a
//! result. Of all jobs together [`damage`] and [`tokens`] tell what is wrong, and [`owed`] tells [`sweep`] what must stay in
//! the wallet.

pub(crate) mod context;
pub(crate) mod damage;
pub(crate) mod ended;
pub(crate) mod fail;
pub(crate) mod found;
pub(crate) mod hold;
pub(crate) mod ledger;
mod owed;
pub(crate) mod receipts;
pub(crate) mod refund;
pub(crate) mod reverters;
pub(crate) mod stored;
pub(crate) mod sweep;
pub(crate) mod tokens;
