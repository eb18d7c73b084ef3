//! Enclave identity: what was measured of a TD, and its Oasis digest (SPEC 3.4).

use sha2::{Digest, Sha384};
use tiny_keccak::{Hasher, TupleHash};

/// Customization of the identity's TupleHash-256 (oasis-core runtime/src/common/sgx/pcs/report.rs).
const IDENTITY_CUSTOMIZATION: &[u8] = b"oasis-core/tdx: TD enclave identity";

/// The registers that identify a TD's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measurements {
    /// MRTD: the initial memory.
    pub mr_td: [u8; 48],
    /// RTMR0 to RTMR3: the run-time registers.
    pub rt_mr: [[u8; 48]; 4],
}

impl Measurements {
    /// Made-up measurements that follow from a label. RTMR3 is zero, as on ROFL.
    #[must_use]
    pub fn of(label: &str) -> Self {
        let register = |name: &str| Sha384::digest(format!("precis devnet {label} {name}")).into();
        Self { mr_td: register("MRTD"), rt_mr: [register("RTMR0"), register("RTMR1"), register("RTMR2"), [0; 48]] }
    }

    /// The 32-byte enclave identity.
    #[must_use]
    pub fn identity(&self) -> [u8; 32] {
        let mut hash = TupleHash::v256(IDENTITY_CUSTOMIZATION);
        hash.update(&self.mr_td);
        for register in &self.rt_mr {
            hash.update(register);
        }
        let mut identity = [0; 32];
        hash.finalize(&mut identity);
        identity
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::print_stdout)]
    use super::*;

    #[test]
    fn the_identity_of_a_recorded_quote_is_the_published_one() {
        let Ok(vectors) = std::env::var("PRECIS_TDX_VECTORS") else {
            println!("SKIPPED: PRECIS_TDX_VECTORS does not name the folder of recorded quotes");
            return;
        };
        let path = format!("{vectors}/oasis-core/quote_v4_tdx_ecdsa_p256.bin");
        let quote = std::fs::read(path).unwrap();
        let body = &quote[48..632];
        let register = |at: usize| <[u8; 48]>::try_from(&body[at..at + 48]).unwrap();
        let measured =
            Measurements { mr_td: register(136), rt_mr: [register(328), register(376), register(424), register(472)] };
        assert_eq!(
            hex::encode(measured.identity()),
            "63d522d975f7de879a8f3368b4f32dd1e8db635f5a24b651ce8ff81705028813"
        );
    }

    #[test]
    fn every_register_counts_and_so_does_their_order() {
        let base = Measurements::of("a");
        let mut seen = std::collections::HashSet::from([base.identity()]);
        for index in 0..4 {
            let mut other = base;
            other.rt_mr[index][0] ^= 1;
            assert!(seen.insert(other.identity()));
        }
        let mut swapped = base;
        swapped.rt_mr.swap(0, 1);
        assert!(seen.insert(swapped.identity()));
        assert!(seen.insert(Measurements::of("b").identity()));
    }
}
