//! The devnet as a whole: what is there once it has started, and what is gone once it has stopped.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use alloy::primitives::{Address, Bytes, U256};
use precis_devnet::chain::client::RpcClient;
use precis_devnet::chain::contracts::{DOLLAR, PrecisReceiptVerifier, TOKEN_NAME, TOKEN_VERSION, token_creation_code};
use precis_devnet::{Devnet, Options, Token, start};
use serde_json::json;

const KEYS: [&str; 17] = [
    "PRECIS_CONFIG_FILE",
    "PRECIS_RPC_URL",
    "PRECIS_CHAIN_ID",
    "PRECIS_DEVNET_NETWORK",
    "PRECIS_DEVNET_ASSET",
    "PRECIS_DEVNET_ASSET_NAME",
    "PRECIS_DEVNET_ASSET_VERSION",
    "PRECIS_PAYER_KEY_FILE",
    "PRECIS_PAYER_ADDRESS",
    "PRECIS_RECEIPT_VERIFIER",
    "PRECIS_DEVNET_APPD_SOCKET",
    "PRECIS_OASIS_GRPC_URL",
    "PRECIS_DEVNET_NEXUS_URL",
    "PRECIS_DEVNET_PCS_URL",
    "PRECIS_DEVNET_TRUST_ROOT",
    "PRECIS_POLICY",
    "PRECIS_APP_ID",
];

async fn gas(devnet: &Devnet, address: Address) -> U256 {
    let rpc = RpcClient::new(devnet.rpc_url()).unwrap();
    rpc.call("eth_getBalance", json!([address, "latest"])).await.unwrap()
}

#[tokio::test]
async fn the_payer_holds_tokens_and_no_gas_and_the_enclave_wallet_the_reverse() {
    let folder = tempfile::tempdir().unwrap();
    let devnet = start(Options::new(folder.path())).await.unwrap();
    let (payer, wallet) = (devnet.payer.address(), devnet.oasis.wallet_address);
    assert_eq!(devnet.balance_of(payer).await.unwrap(), U256::from(100 * DOLLAR));
    assert_eq!(gas(&devnet, payer).await, U256::ZERO);
    assert_eq!(devnet.balance_of(wallet).await.unwrap(), U256::ZERO);
    assert!(gas(&devnet, wallet).await > U256::ZERO);
    devnet.mint(wallet, 5).await.unwrap();
    assert_eq!(devnet.balance_of(wallet).await.unwrap(), U256::from(5));
}

#[tokio::test]
async fn the_environment_file_names_everything_and_goes_with_the_devnet() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(folder.path());
    options.block_interval = Some(Duration::from_secs(3_600));
    let devnet = start(options).await.unwrap();
    let text = std::fs::read_to_string(folder.path().join("env")).unwrap();
    let lines: Vec<(&str, &str)> = text.lines().map(|line| line.split_once('=').unwrap()).collect();
    assert_eq!(lines.iter().map(|(key, _)| *key).collect::<Vec<_>>(), KEYS);
    assert!(lines.iter().all(|(key, value)| devnet.env(key) == Some(value) && !value.is_empty()));
    for key in [
        "PRECIS_CONFIG_FILE",
        "PRECIS_PAYER_KEY_FILE",
        "PRECIS_DEVNET_APPD_SOCKET",
        "PRECIS_DEVNET_TRUST_ROOT",
        "PRECIS_POLICY",
    ] {
        assert!(std::fs::metadata(devnet.env(key).unwrap()).is_ok(), "{key}");
    }
    let key_file = devnet.payer_key_file.clone();
    assert_eq!(std::fs::metadata(&key_file).unwrap().permissions().mode() & 0o777, 0o600);
    let code: String = {
        let rpc = RpcClient::new(devnet.rpc_url()).unwrap();
        rpc.call("eth_getCode", json!([devnet.receipt_verifier, "latest"])).await.unwrap()
    };
    assert!(code.contains(&hex::encode(<PrecisReceiptVerifier::recoverCall as alloy_sol_types::SolCall>::SELECTOR)));
    assert_eq!(devnet.env("PRECIS_DEVNET_ASSET_NAME"), Some(TOKEN_NAME));

    let (env_file, socket, payer) = (devnet.env_file.clone(), devnet.oasis.appd_socket.clone(), devnet.payer.address());
    drop(devnet);
    assert!(!env_file.exists() && !socket.exists());

    // The payer's key stays, so that a client's configuration survives a restart.
    let again = start(Options::new(folder.path())).await.unwrap();
    assert_eq!(again.payer.address(), payer);
}

#[tokio::test]
async fn an_outside_chain_serves_as_well_as_our_own() {
    let chain = crate::support::chain().await;
    let folder = tempfile::tempdir().unwrap();
    let devnet = start(Options { rpc: Some(chain.url().to_owned()), ..Options::new(folder.path()) }).await.unwrap();
    assert_eq!(devnet.env("PRECIS_RPC_URL"), Some(chain.url()));
    assert_eq!(devnet.balance_of(devnet.payer.address()).await.unwrap(), U256::from(100 * DOLLAR));
    assert!(devnet.set_block_interval(None).is_err());
}

#[tokio::test]
async fn a_named_deployer_pays_for_the_contracts_itself() {
    let chain = crate::support::chain().await;
    let rpc = RpcClient::new(chain.url()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let key_file = folder.path().join("deployer.key");
    std::fs::write(&key_file, format!("{}\n", hex::encode([9; 32]))).unwrap();
    let options = Options {
        rpc: Some(chain.url().to_owned()),
        deployer_key_file: Some(key_file),
        ..Options::new(folder.path().join("devnet"))
    };
    let error = start(options.clone()).await.err().unwrap();
    assert!(format!("{error:#}").contains("insufficient funds"), "{error:#}");

    crate::support::fund(&rpc, crate::support::key(9).address()).await;
    let devnet = start(options).await.unwrap();
    let sent: String =
        rpc.call("eth_getTransactionCount", json!([crate::support::key(9).address(), "latest"])).await.unwrap();
    assert_eq!(sent, "0x3");
    assert_eq!(devnet.balance_of(devnet.payer.address()).await.unwrap(), U256::from(100 * DOLLAR));
}

#[tokio::test]
async fn a_named_token_is_used_as_it_is_and_the_payer_left_without() {
    let world = crate::support::world().await;
    let token = world.owner.deploy(token_creation_code("Other-Dollar", "7", "OTHER").unwrap()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = |address, name: &str, version: &str| Options {
        rpc: Some(world.chain.url().to_owned()),
        token: Some(Token { address, name: name.into(), version: version.into() }),
        ..Options::new(folder.path())
    };
    let devnet = start(options(token, "Other-Dollar", "7")).await.unwrap();
    assert_eq!(devnet.token, token);
    assert_eq!(devnet.env("PRECIS_DEVNET_ASSET"), Some(token.to_string().as_str()));
    assert_eq!(devnet.env("PRECIS_DEVNET_ASSET_NAME"), Some("Other-Dollar"));
    assert_eq!(devnet.env("PRECIS_DEVNET_ASSET_VERSION"), Some("7"));
    assert_eq!(devnet.balance_of(devnet.payer.address()).await.unwrap(), U256::ZERO);
    // The enclave's policy tells the same token as the environment.
    let policy = std::fs::read_to_string(devnet.env("PRECIS_POLICY").unwrap()).unwrap();
    assert!(policy.contains(&token.to_string()), "{policy}");
    drop(devnet);

    // Creation code that answers one byte of code: STOP.
    let empty = world.owner.deploy(Bytes::from_static(&[0x60, 1, 0x60, 0, 0xf3])).await.unwrap();
    for (options, words) in [
        (options(token, TOKEN_NAME, "7"), "another domain than name USDC, version 7"),
        (options(token, "Other-Dollar", TOKEN_VERSION), "another domain"),
        (options(world.payee, "Other-Dollar", "7"), "no contract at"),
        (options(empty, "Other-Dollar", "7"), "no token with EIP-3009"),
        (options(token, "Other Dollar", "7"), "would need quoting"),
        (Options { rpc: None, ..options(token, "Other-Dollar", "7") }, "outside chain only"),
    ] {
        let error = start(options).await.err().unwrap();
        assert!(format!("{error:#}").contains(words), "{error:#}");
        assert!(!folder.path().join("env").exists());
    }
}

#[test]
fn the_program_takes_a_token_only_with_the_chain_that_it_is_on() {
    let address = Address::repeat_byte(1).to_string();
    for arguments in [vec!["--token", &address], vec!["--rpc", "http://127.0.0.1:1", "--token-name", "USDC"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_precis-devnet")).args(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    }
}

#[tokio::test]
async fn an_address_that_is_no_chain_is_an_error_and_leaves_no_environment_file() {
    let folder = tempfile::tempdir().unwrap();
    for url in ["http://127.0.0.1:1", "https://127.0.0.1:1", "nonsense"] {
        assert!(start(Options { rpc: Some(url.to_owned()), ..Options::new(folder.path()) }).await.is_err(), "{url}");
    }
    assert!(!folder.path().join("env").exists());
}

#[tokio::test]
async fn a_folder_that_the_environment_file_cannot_name_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let spaced = folder.path().join("with space");
    assert!(start(Options::new(&spaced)).await.is_err());
    assert!(!spaced.exists());
}

#[test]
fn the_program_ends_in_order_with_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_precis-devnet"))
        .args(["--block-interval", "0.05", "--dir"])
        .arg(folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(program.stderr.take().unwrap()).lines().map_while(Result::ok);
    let said: Vec<String> = lines
        .inspect(|line| {
            if line.starts_with("ready") {
                assert!(folder.path().join("env").exists());
                assert!(Command::new("kill").args(["-TERM", &program.id().to_string()]).status().unwrap().success());
            }
        })
        .collect();
    assert!(program.wait().unwrap().success(), "{said:#?}");
    assert!(said.iter().any(|line| line.starts_with("ready")), "{said:#?}");
    assert!(!folder.path().join("env").exists() && !folder.path().join("rofl-appd.sock").exists());
}
