//! The checks on the challenge: live possession of the attested keys, and when (SPEC 3.3).

use precis_protocol::Digest;
use precis_protocol::challenge::{Block, Challenge};
use precis_protocol::keyset::Keyset;

use crate::check;
use crate::online::{ChainBlock, Online};
use crate::policy::Policy;
use crate::presented::{Freshness, Presented};
use crate::time::CLOCK_TOLERANCE_SECONDS;
use crate::transcript::Recorder;

/// Greatest age of the named block when the challenge was signed, seconds: finality on the slowest chain in use, with room.
pub const MAX_BLOCK_AGE_SECONDS: u64 = 3_600;

/// Nonce, age and block. What was kept beside a receipt was fresh for whoever kept it.
pub(crate) fn freshness(
    recorder: &mut Recorder,
    presented: &Presented<'_>,
    policy: &Policy,
    now: u64,
    challenge: &Challenge,
    freshness: Freshness,
) {
    block(recorder, presented.block, challenge);
    if matches!(freshness, Freshness::Archived { .. }) {
        let reason = "kept beside a receipt; whoever kept it sent the nonce";
        recorder.optional(check::CHALLENGE_NONCE, reason);
        recorder.optional(check::CHALLENGE_FRESH, reason);
        return;
    }
    nonce(recorder, presented.nonce, &challenge.nonce);
    age(recorder, challenge.issued_at, policy.challenge_max_age_seconds, now);
}

fn nonce(recorder: &mut Recorder, sent: Option<[u8; 32]>, found: &[u8; 32]) {
    match sent {
        None => {
            recorder.skip(check::CHALLENGE_NONCE, format!("no nonce was given to compare with {}", hex::encode(found)))
        }
        Some(sent) if sent == *found => recorder.pass(check::CHALLENGE_NONCE, hex::encode(found)),
        Some(sent) => {
            recorder.fail(check::CHALLENGE_NONCE, format!("sent {}, found {}", hex::encode(sent), hex::encode(found)))
        }
    }
}

fn age(recorder: &mut Recorder, issued_at: u64, allowed: u64, now: u64) {
    let detail = format!("issued {issued_at}, now {now}, allowed {allowed} seconds apart");
    recorder.record(check::CHALLENGE_FRESH, if now.abs_diff(issued_at) <= allowed { Ok(detail) } else { Err(detail) });
}

/// The guest's clock is the host's; a block that the chain has bounds it from below.
fn block(recorder: &mut Recorder, online: Online<'_, Option<ChainBlock>>, challenge: &Challenge) {
    let Block { network, number, hash } = &challenge.block;
    let found = match online {
        Online::NotAsked => {
            return recorder.optional(
                check::CHALLENGE_BLOCK,
                format!("block {number} of {network}, {hash}; no node of that chain was asked"),
            );
        }
        Online::Unanswered(why) => {
            return recorder.skip(check::CHALLENGE_BLOCK, format!("block {number} of {network}: {why}"));
        }
        Online::Known(found) => found,
    };
    let issued_at = challenge.issued_at;
    let result = match found {
        None => Err(format!("{network} has no block {number}")),
        Some(found) if found.hash != *hash => {
            Err(format!("block {number} of {network} is {}, the challenge names {hash}", found.hash))
        }
        Some(found) if found.timestamp > issued_at.saturating_add(CLOCK_TOLERANCE_SECONDS) => {
            Err(format!("block {number} is of {}, after the challenge was issued at {issued_at}", found.timestamp))
        }
        Some(found) if issued_at.saturating_sub(found.timestamp) > MAX_BLOCK_AGE_SECONDS => Err(format!(
            "block {number} is of {}, more than {MAX_BLOCK_AGE_SECONDS} seconds before the challenge at {issued_at}",
            found.timestamp
        )),
        Some(found) => Ok(format!("block {number} of {network}, made {}", found.timestamp)),
    };
    recorder.record(check::CHALLENGE_BLOCK, result);
}

/// Signed by the keyset's identity key, over a block of one of the keyset's payment networks.
pub(crate) fn signature(recorder: &mut Recorder, challenge: &Challenge, keyset: &Keyset, digest: &Digest) {
    let identity = hex::encode(keyset.keys.identity);
    let result = if !challenge.verify(&keyset.keys.identity, digest) {
        Err(format!("not signed by {identity} over {digest}"))
    } else if !keyset.payments.iter().any(|target| target.network == challenge.block.network) {
        let networks: Vec<_> = keyset.payments.iter().map(|target| target.network.as_str()).collect();
        Err(format!("names a block of {}, expected one of {}", challenge.block.network, networks.join(", ")))
    } else {
        Ok(format!("{identity}, block {} of {}", challenge.block.number, challenge.block.network))
    };
    recorder.record(check::CHALLENGE_SIGNATURE, result);
}
