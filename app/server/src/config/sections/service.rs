//! The service itself: addresses, work, keys and evidence.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::section::section;
use crate::config::shapes::{DatabaseUrl, HttpUrl};
use crate::config::value::Secret;
use crate::edge::ProxyNetwork;

section! {
    /// Addresses, and how the process ends.
    Server {
        /// Address of the public routes. With port 0 the system chooses one.
        listen: SocketAddr = "0.0.0.0:8080";
        /// Address of health and ledger routes, which ask nobody for a password. Keep it off the public network.
        internal_listen: SocketAddr = "127.0.0.1:8081";
        /// File that receives the bound addresses as `KEY=value` lines, for ports that the system chooses. Default: none.
        address_file: Option<PathBuf>;
        /// URL callers use, a literal in the measured file: names the paid resource and stands in signed offers. Default: the bound
        /// address.
        public_url: Option<HttpUrl>;
        /// URL callers use, where the platform fills in the host: names the paid resource in quotes, which then carry no signed
        /// offers. Excludes `public_url`.
        platform_url: Option<HttpUrl>;
        /// Proxies whose `X-Forwarded-For` is believed, as addresses and networks. Default: none; all callers behind an unnamed
        /// proxy share one source's limits.
        trusted_proxies: Vec<ProxyNetwork>;
        /// Longest time for jobs to end after SIGTERM. Give the platform at least as long before it kills.
        drain: Duration = "5m", "0s" to "1h";
    }
}

section! {
    /// Bounds of what the service takes on.
    Limits {
        /// Jobs that may wait for the model. Above it callers get 503; each of them holds a document in memory.
        queue: u32 = "16", "1" to "1024";
        /// Jobs of one payer that may be unsettled at a time: how much work a payer can get before it has paid for any.
        unsettled_per_payer: u32 = "4", "1" to "65535";
        /// Longest wait of a caller for its answer before it gets a ticket to fetch it with. Keep it below the patience of the
        /// proxies in between.
        answer_within: Duration = "25s", "1s" to "10m";
    }
}

section! {
    /// The models and the memory they get.
    Model {
        /// Directory of the model files that the manifests name.
        dir: PathBuf = "/models";
        /// Model that writes: name of a manifest, or file name of a filled one in `dir`. Its digest stands in the keyset; policies
        /// that pin it refuse another.
        name: String = "qwen2.5-1.5b-instruct";
        /// Jobs, and sequences of the language model, that run side by side. More of them take more memory and make each slower.
        batch: u32 = "8", "1" to "64";
        /// MiB of the language model's cache of keys and values. Sequences wait for room in it. Default: what the batch needs, at
        /// most a quarter of the memory.
        kv_mib: Option<u64>, "1" to "1048576";
    }
}

section! {
    /// Memory of payments and results.
    Ledger {
        /// Directory of the ledger, on the enclave's encrypted disk. A lost ledger loses paid results.
        dir: PathBuf = "/data";
        /// One ledger for several replicas, sealed before it gets there; the host stands behind TLS or on a socket. Default: a file
        /// in `dir`.
        url: Option<Secret<DatabaseUrl>>;
        /// Time for which a result can be fetched again after its job has ended and its authorization is void. It takes disk for as
        /// long.
        keep_results: Duration = "24h", "1h" to "90d";
    }
}

section! {
    /// The keys that callers encrypt to.
    Channel {
        /// Life of a keyset. A successor is made at half of it; without one, payments stop at three quarters. Each is registered on
        /// chain, so that short lives cost fees; below an hour the log warns.
        keyset_lifetime: Duration = "7d", "1m" to "90d";
    }
}

section! {
    /// Sources that vouch for the enclave.
    Attestation {
        /// Socket of rofl-appd, which holds the enclave's keys.
        appd_socket: PathBuf = "/run/rofl-appd.sock";
        /// gRPC endpoint of an Oasis node, for the registration and its proof.
        oasis_grpc_url: HttpUrl = "https://grpc.oasis.io:443";
        /// Nexus API, which finds the registration.
        nexus_url: HttpUrl = "https://nexus.oasis.io/v1";
        /// Intel PCS or a cache of it, for the collateral of quotes.
        pcs_url: HttpUrl = "https://api.trustedservices.intel.com";
        /// ParaTime of the registration. Policies name it. Default: Sapphire mainnet.
        runtime_id: [u8; 32] = "000000000000000000000000000000000000000000000000f80306c9858e7279";
        /// Chain context of the consensus layer. Policies name it. Default: Oasis mainnet.
        chain_context: [u8; 32] = "bb3d748def55bdfb797a2ac53ee6ee141e54cd2ab2dc2375f4a0703a178e6e55";
        /// DER file of a mock root for the self-check, instead of Intel's. For a devnet only: every output then says INSECURE.
        trust_root: Option<PathBuf>;
    }
}
