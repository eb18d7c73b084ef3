//! Receipts against what shares no code with them: vectors made from the specification alone, and the Solidity verifier.
#![allow(clippy::unwrap_used)]

use alloy_primitives::{Address, B256, Bytes, FixedBytes, U256};
use alloy_sol_types::SolCall as _;
use precis_protocol::Task;
use precis_protocol::digest::Digest;
use precis_protocol::encoding::lower_hex;
use precis_protocol::receipt::{Channel, Payment, Receipt, ReceiptFile, ReceiptStatus, Salts, SignedReceipt};
use precis_protocol::request::{Commitment, parameters_digest, response_digest, text_digest};
use precis_tests::chain::Chain;
use precis_tests::paths;
use precis_tests::stack::{Devnet, Stack};
use serde_json::Value;

/// The contract's own view of the structs, written out once more.
mod abi {
    alloy_sol_types::sol! {
        struct Receipt {
            bytes32 receiptId; bytes21 appId; bytes32 enclaveIdentity; bytes32 keysetDigest; bytes32 task;
            bytes32 modelDigest; bytes32 parametersDigest; bytes32 requestDigest; bytes32 textDigest; bytes32 responseDigest;
            bytes32 paymentDigest; uint64 issuedAt; uint64 blockNumber; bytes32 blockHash; uint64 sequence;
            bytes32 previousReceipt; uint32 inputTokens; uint32 outputTokens; uint32 tokensRead; bytes32 subordinates;
            uint256 spent; uint8 channel; uint8 status;
        }
        struct Payment {
            string network; address asset; address payTo; uint256 amount; address payer; bytes32 nonce; bool nonceCommitted;
            bytes32 transaction;
        }
        function digest(Receipt receipt) external pure returns (bytes32);
        function paymentDigest(Payment payment) external pure returns (bytes32);
        function recover(Receipt receipt, bytes signature) external pure returns (address);
        function verify(address signer, Receipt receipt, bytes signature) external pure returns (bool);
    }
}

fn vectors() -> Vec<Value> {
    let text = std::fs::read_to_string(paths::root().join("tests/vectors/receipts/vectors.json")).unwrap();
    let vectors: Value = serde_json::from_str(&text).unwrap();
    let cases = vectors["cases"].as_array().unwrap().clone();
    assert!(cases.len() >= 4);
    cases
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn bytes<const N: usize>(value: &Value) -> [u8; N] {
    lower_hex(text(value).trim_start_matches("0x")).unwrap()
}

fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(value: &Value) -> T {
    text(value).parse().unwrap()
}

fn digest(value: &Value) -> Digest {
    Digest::from_bytes(bytes(value))
}

fn commitment(case: &Value) -> Commitment {
    let request = &case["request"];
    let body = text(&request["body"]).as_bytes();
    Commitment::new(text(&request["method"]), text(&request["path"]), text(&request["mediaType"]), body).unwrap()
}

fn receipt(r: &Value) -> Receipt {
    let channel = [Channel::Https, Channel::Ohttp][number::<usize>(&r["channel"]) - 1];
    let statuses = [ReceiptStatus::Completed, ReceiptStatus::FailedUncharged, ReceiptStatus::FailedRefunded];
    Receipt {
        receipt_id: bytes(&r["receiptId"]),
        app_id: bytes(&r["appId"]),
        enclave_identity: bytes(&r["enclaveIdentity"]),
        keyset_digest: digest(&r["keysetDigest"]),
        task: digest(&r["task"]),
        model_digest: digest(&r["modelDigest"]),
        parameters_digest: digest(&r["parametersDigest"]),
        request_digest: digest(&r["requestDigest"]),
        text_digest: digest(&r["textDigest"]),
        response_digest: digest(&r["responseDigest"]),
        issued_at: number(&r["issuedAt"]),
        block_number: number(&r["blockNumber"]),
        block_hash: B256::from(bytes(&r["blockHash"])),
        sequence: number(&r["sequence"]),
        previous_receipt: B256::from(bytes(&r["previousReceipt"])),
        input_tokens: number(&r["inputTokens"]),
        output_tokens: number(&r["outputTokens"]),
        tokens_read: number(&r["tokensRead"]),
        subordinates: digest(&r["subordinates"]),
        spent: number(&r["spent"]),
        channel,
        status: statuses[number::<usize>(&r["status"]) - 1],
    }
}

fn payment(p: &Value) -> Option<Payment> {
    (!p.is_null()).then(|| Payment {
        network: text(&p["network"]).into(),
        asset: Address::from(bytes(&p["asset"])),
        pay_to: Address::from(bytes(&p["payTo"])),
        amount: number(&p["amount"]),
        payer: Address::from(bytes(&p["payer"])),
        nonce: B256::from(bytes(&p["nonce"])),
        nonce_committed: p["nonceCommitted"].as_bool().unwrap(),
        transaction: B256::from(bytes(&p["transaction"])),
    })
}

fn abi_receipt(signed: &SignedReceipt) -> abi::Receipt {
    let r = &signed.receipt;
    abi::Receipt {
        receiptId: r.receipt_id.into(),
        appId: r.app_id.into(),
        enclaveIdentity: r.enclave_identity.into(),
        keysetDigest: (*r.keyset_digest.as_bytes()).into(),
        task: (*r.task.as_bytes()).into(),
        modelDigest: (*r.model_digest.as_bytes()).into(),
        parametersDigest: (*r.parameters_digest.as_bytes()).into(),
        requestDigest: (*r.request_digest.as_bytes()).into(),
        textDigest: (*r.text_digest.as_bytes()).into(),
        responseDigest: (*r.response_digest.as_bytes()).into(),
        paymentDigest: signed.payment.as_ref().map_or(B256::ZERO, Payment::digest),
        issuedAt: r.issued_at,
        blockNumber: r.block_number,
        blockHash: r.block_hash,
        sequence: r.sequence,
        previousReceipt: r.previous_receipt,
        inputTokens: r.input_tokens,
        outputTokens: r.output_tokens,
        tokensRead: r.tokens_read,
        subordinates: (*r.subordinates.as_bytes()).into(),
        spent: r.spent,
        channel: r.channel as u8,
        status: r.status as u8,
    }
}

#[test]
fn digests_and_signatures_are_those_of_the_independent_vectors() {
    for case in vectors() {
        let (name, expected, salts) = (text(&case["name"]), &case["expected"], &case["salts"]);
        let request = commitment(&case);
        assert_eq!(request.as_bytes(), &bytes(&expected["commitment"]), "{name}");
        assert_eq!(request.quote_digest(&bytes(&case["secret"])), bytes(&expected["quoteDigest"]), "{name}");
        assert_eq!(request.fingerprint(&bytes(&case["secret"])), bytes(&expected["fingerprint"]), "{name}");
        assert_eq!(request.payment_nonce(&bytes(&case["nonceSalt"])), bytes(&expected["paymentNonce"]), "{name}");
        assert_eq!(
            parameters_digest(text(&case["parameters"]).as_bytes()),
            digest(&case["receipt"]["parametersDigest"]),
            "{name}"
        );
        let status = case["statusCode"].as_u64().unwrap().try_into().unwrap();
        let answered = response_digest(&bytes(&salts["response"]), status, text(&case["result"]).as_bytes());
        assert_eq!(answered, digest(&case["receipt"]["responseDigest"]), "{name}");
        assert_eq!(
            request.receipt_digest(&bytes(&salts["request"])),
            digest(&case["receipt"]["requestDigest"]),
            "{name}"
        );
        let worked_on = text_digest(&bytes(&salts["request"]), &Digest::of(text(&case["request"]["text"]).as_bytes()));
        assert_eq!(worked_on, digest(&case["receipt"]["textDigest"]), "{name}");
        let task = Task::ALL.into_iter().find(|task| task.id() == text(&case["task"])).unwrap();
        assert_eq!(task.digest(), digest(&case["receipt"]["task"]), "{name}");

        let (receipt, payment) = (receipt(&case["receipt"]), payment(&case["payment"]));
        let paid = payment.as_ref().map_or(B256::ZERO, Payment::digest);
        assert_eq!(paid, B256::from(bytes(&case["receipt"]["paymentDigest"])), "{name}");
        let salts = Salts { request: bytes(&salts["request"]), response: bytes(&salts["response"]) };
        let key = k256::ecdsa::SigningKey::from_slice(&bytes::<32>(&case["key"])).unwrap();
        let signed = SignedReceipt::sign(receipt, payment, salts, &key).unwrap();
        assert_eq!(signed.digest(), B256::from(bytes(&expected["signingDigest"])), "{name}");
        assert_eq!(signed.signature, FixedBytes::from(bytes(&expected["signature"])), "{name}");
        assert_eq!(signed.signer().unwrap(), Address::from(bytes(&expected["signer"])), "{name}");
    }
}

#[test]
fn the_vectors_are_what_their_generator_makes() {
    let generator = paths::root().join("tests/vectors/receipts/generate.py");
    let output = std::process::Command::new("python3").arg(generator).arg("--check").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

struct Verifier {
    chain: Chain,
    contract: Address,
}

impl Verifier {
    fn new(devnet: &Devnet) -> Self {
        let chain =
            Chain::new(devnet.get("PRECIS_RPC_URL").unwrap(), devnet.get("PRECIS_DEVNET_ASSET").unwrap()).unwrap();
        Self { chain, contract: devnet.get("PRECIS_RECEIPT_VERIFIER").unwrap().parse().unwrap() }
    }

    async fn digest(&self, receipt: abi::Receipt) -> B256 {
        let call = abi::digestCall { receipt };
        B256::from_slice(&self.chain.call(self.contract, &call.abi_encode()).await.unwrap())
    }

    async fn recover(&self, receipt: abi::Receipt, signature: &[u8]) -> anyhow::Result<Address> {
        let call = abi::recoverCall { receipt, signature: Bytes::copy_from_slice(signature) };
        Ok(abi::recoverCall::abi_decode_returns(&self.chain.call(self.contract, &call.abi_encode()).await?)?)
    }

    async fn verify(&self, signer: Address, receipt: abi::Receipt, signature: &[u8]) -> bool {
        let call = abi::verifyCall { signer, receipt, signature: Bytes::copy_from_slice(signature) };
        abi::verifyCall::abi_decode_returns(&self.chain.call(self.contract, &call.abi_encode()).await.unwrap()).unwrap()
    }
}

/// Every way to alter one field of a receipt.
fn altered(receipt: &abi::Receipt) -> Vec<(&'static str, abi::Receipt)> {
    macro_rules! each {
        ($($field:ident: $change:expr),* $(,)?) => {
            vec![$({
                let mut other = receipt.clone();
                let change: fn(&mut abi::Receipt) = $change;
                change(&mut other);
                (stringify!($field), other)
            }),*]
        };
    }
    each! {
        receiptId: |r| r.receiptId.0[31] ^= 1, appId: |r| r.appId.0[20] ^= 1, enclaveIdentity: |r| r.enclaveIdentity.0[0] ^= 0x80,
        keysetDigest: |r| r.keysetDigest.0[9] ^= 1, task: |r| r.task.0[4] ^= 1, modelDigest: |r| r.modelDigest.0[3] ^= 1,
        parametersDigest: |r| r.parametersDigest.0[5] ^= 1, requestDigest: |r| r.requestDigest.0[7] ^= 1,
        textDigest: |r| r.textDigest.0[12] ^= 1, responseDigest: |r| r.responseDigest.0[11] ^= 1, paymentDigest: |r| r.paymentDigest.0[13] ^= 1,
        issuedAt: |r| r.issuedAt ^= 1, blockNumber: |r| r.blockNumber ^= 1, blockHash: |r| r.blockHash.0[30] ^= 1,
        sequence: |r| r.sequence ^= 1, previousReceipt: |r| r.previousReceipt.0[2] ^= 1, inputTokens: |r| r.inputTokens ^= 1,
        outputTokens: |r| r.outputTokens ^= 1, tokensRead: |r| r.tokensRead ^= 1,
        subordinates: |r| r.subordinates.0[6] ^= 1, spent: |r| r.spent ^= U256::from(1), channel: |r| r.channel ^= 3,
        status: |r| r.status ^= 3,
    }
}

#[tokio::test]
async fn the_contract_computes_the_digests_of_the_vectors() {
    let dir = tempfile::tempdir().unwrap();
    let devnet = Devnet::start(dir.path(), &[]).await.unwrap();
    let verifier = Verifier::new(&devnet);
    for case in vectors() {
        let salts = Salts { request: [0; 32], response: [0; 32] };
        let signature: [u8; 65] = bytes(&case["expected"]["signature"]);
        let signed = SignedReceipt {
            receipt: receipt(&case["receipt"]),
            payment: payment(&case["payment"]),
            salts,
            signature: signature.into(),
        };
        let onchain = abi_receipt(&signed);
        assert_eq!(verifier.digest(onchain.clone()).await, B256::from(bytes(&case["expected"]["signingDigest"])));
        assert_eq!(
            verifier.recover(onchain, &signature).await.unwrap(),
            Address::from(bytes(&case["expected"]["signer"]))
        );
        if let Some(p) = signed.payment {
            let payment = abi::Payment {
                network: p.network.clone(),
                asset: p.asset,
                payTo: p.pay_to,
                amount: p.amount,
                payer: p.payer,
                nonce: p.nonce,
                nonceCommitted: p.nonce_committed,
                transaction: p.transaction,
            };
            let call = abi::paymentDigestCall { payment }.abi_encode();
            assert_eq!(verifier.chain.call(verifier.contract, &call).await.unwrap(), p.digest().0);
        }
    }
}

#[tokio::test]
async fn the_contract_accepts_a_real_receipt_and_refuses_each_altered_field() {
    let stack = Stack::start().await.unwrap();
    let saved = stack.file("receipt.json");
    let cli = stack.cli().unwrap();
    let bought = cli.summarize(&paths::document("notice.txt"), &["--receipt", saved.to_str().unwrap()]).await.unwrap();
    bought.expect(0).unwrap();
    let signed = ReceiptFile::parse(&std::fs::read(&saved).unwrap()).unwrap().receipt;
    let (signer, signature, onchain) = (signed.signer().unwrap(), signed.signature.0, abi_receipt(&signed));
    let verifier = Verifier::new(&stack.devnet);
    assert!(verifier.verify(signer, onchain.clone(), &signature).await);
    assert_eq!(verifier.recover(onchain.clone(), &signature).await.unwrap(), signer);
    for (field, other) in altered(&onchain) {
        assert!(!verifier.verify(signer, other, &signature).await, "{field} was altered");
    }
    // The second, malleable form of the same signature, and other encodings of it.
    let order: U256 = "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141".parse().unwrap();
    let mut high = signature;
    high[32..64].copy_from_slice(&(order - U256::from_be_slice(&signature[32..64])).to_be_bytes::<32>());
    high[64] ^= 27 ^ 28;
    let mut low_v = signature;
    low_v[64] -= 27;
    for (what, other) in [("high s", &high[..]), ("v 0 or 1", &low_v), ("64 bytes", &signature[..64]), ("nothing", &[])]
    {
        assert!(!verifier.verify(signer, onchain.clone(), other).await, "{what}");
        assert!(verifier.recover(onchain.clone(), other).await.is_err(), "{what}");
    }
}
