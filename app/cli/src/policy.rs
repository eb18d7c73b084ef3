//! Reading the policy. There is no default: what a caller accepts is the caller's to say.

use std::path::{Path, PathBuf};

use precis_protocol::digest::Digest;
use precis_protocol::limits::MAX_POLICY_BYTES;
use precis_verify::policy::Policy;

use crate::exit::Failure;
use crate::input;

/// Longest mock root read, bytes.
const MAX_ROOT_BYTES: usize = 64 * 1024;

/// Reads the policy at `path`, and the digest of its exact bytes; a mock root that it names is looked for beside it.
///
/// # Errors
/// A usage [`Failure`] when there is none or it cannot be used.
pub fn load(path: Option<&Path>) -> Result<(Policy, Digest), Failure> {
    let path = path.ok_or_else(|| {
        Failure::usage(
            "no policy: give --policy FILE or set PRECIS_POLICY; a policy names the app id and the enclave identities that you accept, \
             taken from a release you trust or, better, from a build that you made yourself",
        )
    })?;
    let bytes = input::read_file(path, MAX_POLICY_BYTES, "policy")?;
    let digest = Digest::of(&bytes);
    let text =
        String::from_utf8(bytes).map_err(|_| Failure::usage(format!("the policy {} is not UTF-8", path.display())))?;
    let directory: PathBuf = path.parent().map(Path::to_owned).unwrap_or_default();
    let read_root =
        |name: &str| input::read_file(&directory.join(name), MAX_ROOT_BYTES, "mock root").map_err(|f| f.message);
    let policy = Policy::parse(&text, read_root)
        .map_err(|e| Failure::usage(format!("the policy {} cannot be used: {e}", path.display())))?;
    Ok((policy, digest))
}
