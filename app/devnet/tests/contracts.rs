//! The contracts, on the chain that this crate serves.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::{key, transfer_call, world};
use alloy::primitives::{Address, B256, Bytes, FixedBytes, U256, b256};
use alloy::signers::SignerSync;
use alloy_sol_types::{Eip712Domain, SolCall, SolError, SolStruct, SolValue};
use precis_devnet::chain::contracts::{
    CancelAuthorization, DOLLAR, Payment, PrecisDollar, PrecisReceiptVerifier, Receipt, ReceiveWithAuthorization,
    TOKEN_NAME, TOKEN_VERSION, receipt_verifier_creation_code,
};
use serde_json::{Value, json};

/// Runtime code that answers 0x1626ba7e to everything: a signer contract that agrees (EIP-1271).
const AGREES: &str = "0x631626ba7e60e01b5f5260205ff3";

/// r ‖ (n - s) ‖ the other v: the same signature in its malleable form.
fn malleable(signature: &Bytes) -> Bytes {
    let order = U256::from_be_bytes(b256!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").0);
    let s = order - U256::from_be_slice(&signature[32..64]);
    [&signature[..32], &s.to_be_bytes::<32>(), &[27 + 28 - signature[64]]].concat().into()
}

#[tokio::test]
async fn token_says_what_a_payer_signs_for() {
    let world = world().await;
    let (token, owner) = (world.token, &world.owner);
    assert_eq!(owner.read(token, &PrecisDollar::nameCall {}).await.unwrap(), TOKEN_NAME);
    assert_eq!(owner.read(token, &PrecisDollar::versionCall {}).await.unwrap(), TOKEN_VERSION);
    assert_eq!(owner.read(token, &PrecisDollar::decimalsCall {}).await.unwrap(), 6);
    let separator = owner.read(token, &PrecisDollar::DOMAIN_SEPARATORCall {}).await.unwrap();
    assert_eq!(separator, world.domain().separator());
}

#[tokio::test]
async fn both_signature_forms_spend_an_authorization() {
    let world = world().await;
    let authorization = world.authorization(1, 1);
    let signature = world.sign(&authorization, &world.payer);
    let split = PrecisDollar::transferWithAuthorization_0Call {
        from: authorization.from,
        to: authorization.to,
        value: authorization.value,
        validAfter: authorization.validAfter,
        validBefore: authorization.validBefore,
        nonce: authorization.nonce,
        v: signature[64],
        r: B256::from_slice(&signature[..32]),
        s: B256::from_slice(&signature[32..64]),
    };
    world.owner.send(world.token.into(), split.abi_encode().into()).await.unwrap();
    let whole = world.transfer(&world.authorization(2, 2), &world.payer);
    world.owner.send(world.token.into(), whole).await.unwrap();
    assert_eq!(world.balance(world.payee).await, U256::from(3 * DOLLAR));
    let state = PrecisDollar::authorizationStateCall { authorizer: authorization.from, nonce: authorization.nonce };
    assert!(world.owner.read(world.token, &state).await.unwrap());
}

#[tokio::test]
async fn signatures_that_are_not_the_payers_canonical_one_are_refused() {
    let world = world().await;
    let authorization = world.authorization(1, 1);
    let good = world.sign(&authorization, &world.payer);
    let mut other_v = good.to_vec();
    other_v[64] -= 27;
    let mut richer = authorization.clone();
    richer.value += U256::from(1);
    let cases = [
        (transfer_call(&authorization, malleable(&good)), "ECRecover: invalid signature 's' value"),
        (transfer_call(&authorization, other_v.into()), "ECRecover: invalid signature 'v' value"),
        (transfer_call(&authorization, good.slice(..64)), "ECRecover: invalid signature length"),
        (transfer_call(&authorization, [&[0; 64][..], &[27]].concat().into()), "ECRecover: invalid signature"),
        (transfer_call(&richer, good.clone()), "FiatTokenV2: invalid signature"),
        (world.transfer(&authorization, &world.relayer), "FiatTokenV2: invalid signature"),
    ];
    for (input, reason) in cases {
        assert_eq!(world.refusal(world.token, input).await, (3, format!("execution reverted: {reason}")));
    }
    world.owner.send(world.token.into(), transfer_call(&authorization, good)).await.unwrap();
}

#[tokio::test]
async fn validity_window_excludes_both_of_its_ends() {
    let world = world().await;
    let later = U256::from(u64::MAX);
    let mut early = world.authorization(1, 1);
    (early.validAfter, early.validBefore) = (later, later);
    let mut late = world.authorization(1, 2);
    late.validBefore = U256::from(1);
    for (authorization, reason) in [(early, "authorization is not yet valid"), (late, "authorization is expired")] {
        let (code, message) = world.refusal(world.token, world.transfer(&authorization, &world.payer)).await;
        assert!(code == 3 && message.ends_with(reason), "{message}");
    }
}

#[tokio::test]
async fn a_signer_contract_decides_for_itself() {
    let world = world().await;
    let contract = Address::repeat_byte(0xcc);
    let mint = PrecisDollar::mintCall { to: contract, value: U256::from(DOLLAR) };
    world.owner.send(world.token.into(), mint.abi_encode().into()).await.unwrap();
    let mut authorization = world.authorization(1, 1);
    authorization.from = contract;
    let input = transfer_call(&authorization, Bytes::from_static(b"whatever the contract takes"));

    let _: Value = world.rpc.call("anvil_setCode", json!([contract, "0x5f5ffd"])).await.unwrap();
    let (_, message) = world.refusal(world.token, input.clone()).await;
    assert!(message.ends_with("FiatTokenV2: invalid signature"), "{message}");
    let _: Value = world.rpc.call("anvil_setCode", json!([contract, AGREES])).await.unwrap();
    world.owner.send(world.token.into(), input).await.unwrap();
    assert_eq!(world.balance(world.payee).await, U256::from(DOLLAR));
}

#[tokio::test]
async fn only_the_payee_may_submit_a_receive_authorization() {
    let world = world().await;
    let mut from = world.authorization(1, 1);
    from.to = world.owner.address();
    let message = ReceiveWithAuthorization {
        from: from.from,
        to: from.to,
        value: from.value,
        validAfter: from.validAfter,
        validBefore: from.validBefore,
        nonce: from.nonce,
    };
    let call = PrecisDollar::receiveWithAuthorizationCall {
        from: from.from,
        to: from.to,
        value: from.value,
        validAfter: from.validAfter,
        validBefore: from.validBefore,
        nonce: from.nonce,
        signature: world.sign(&message, &world.payer),
    };
    let (_, refusal) = world.refusal(world.token, call.abi_encode().into()).await;
    assert!(refusal.ends_with("caller must be the payee"), "{refusal}");
    world.owner.send(world.token.into(), call.abi_encode().into()).await.unwrap();
    assert_eq!(world.balance(world.owner.address()).await, U256::from(DOLLAR));
}

#[tokio::test]
async fn a_canceled_authorization_cannot_be_spent() {
    let world = world().await;
    let authorization = world.authorization(1, 1);
    let message = CancelAuthorization { authorizer: authorization.from, nonce: authorization.nonce };
    let cancel = PrecisDollar::cancelAuthorizationCall {
        authorizer: message.authorizer,
        nonce: message.nonce,
        signature: world.sign(&message, &world.payer),
    };
    world.owner.send(world.token.into(), cancel.abi_encode().into()).await.unwrap();
    let (_, reason) = world.refusal(world.token, world.transfer(&authorization, &world.payer)).await;
    assert!(reason.ends_with("authorization is used or canceled"), "{reason}");
}

#[tokio::test]
async fn a_paused_token_moves_nothing_and_only_its_owner_pauses() {
    let world = world().await;
    let pause = Bytes::from(PrecisDollar::pauseCall {}.abi_encode());
    let (_, refusal) = world.refusal(world.token, pause.clone()).await;
    assert!(refusal.ends_with("caller is not the owner"), "{refusal}");
    world.owner.send(world.token.into(), pause).await.unwrap();
    let input = world.transfer(&world.authorization(1, 1), &world.payer);
    assert!(world.refusal(world.token, input.clone()).await.1.ends_with("Pausable: paused"));
    world.owner.send(world.token.into(), PrecisDollar::unpauseCall {}.abi_encode().into()).await.unwrap();
    world.owner.send(world.token.into(), input).await.unwrap();
}

fn receipt() -> Receipt {
    Receipt {
        receiptId: B256::repeat_byte(1),
        appId: FixedBytes::repeat_byte(2),
        enclaveIdentity: B256::repeat_byte(3),
        keysetDigest: B256::repeat_byte(4),
        task: B256::repeat_byte(14),
        modelDigest: B256::repeat_byte(5),
        parametersDigest: B256::repeat_byte(6),
        requestDigest: B256::repeat_byte(7),
        textDigest: B256::repeat_byte(15),
        responseDigest: B256::repeat_byte(8),
        paymentDigest: B256::repeat_byte(9),
        issuedAt: 1_790_000_000,
        blockNumber: 12,
        blockHash: B256::repeat_byte(10),
        sequence: 1,
        previousReceipt: B256::repeat_byte(4),
        inputTokens: 900,
        outputTokens: 90,
        tokensRead: 900,
        subordinates: B256::repeat_byte(16),
        spent: U256::from(17),
        channel: 2,
        status: 1,
    }
}

/// SPEC 7: no chain, no contract.
fn receipt_domain() -> Eip712Domain {
    Eip712Domain { name: Some("Precis Receipt".into()), version: Some("2".into()), ..Default::default() }
}

#[tokio::test]
async fn a_contract_computes_the_digests_that_the_specification_says() {
    let world = world().await;
    let verifier = world.owner.deploy(receipt_verifier_creation_code().unwrap()).await.unwrap();
    let digest = PrecisReceiptVerifier::digestCall { receipt: receipt() };
    let expected = receipt().eip712_signing_hash(&receipt_domain());
    assert_eq!(world.owner.read(verifier, &digest).await.unwrap(), expected);

    let payment = Payment {
        network: "eip155:31337".into(),
        asset: world.token,
        payTo: world.payee,
        amount: U256::from(7),
        payer: world.payer.address(),
        nonce: B256::repeat_byte(1),
        nonceCommitted: true,
        transaction: B256::repeat_byte(2),
    };
    let digest = PrecisReceiptVerifier::paymentDigestCall { payment: payment.clone() };
    assert_eq!(world.owner.read(verifier, &digest).await.unwrap(), payment.eip712_hash_struct());
}

#[tokio::test]
async fn a_contract_accepts_only_the_canonical_signature_of_the_receipt_key() {
    let world = world().await;
    let verifier = world.owner.deploy(receipt_verifier_creation_code().unwrap()).await.unwrap();
    let signer = key(7);
    let sign = |receipt: &Receipt| -> Bytes {
        let hash = receipt.eip712_signing_hash(&receipt_domain());
        signer.sign_hash_sync(&hash).unwrap().as_bytes().to_vec().into()
    };
    let good = sign(&receipt());
    let verify = async |receipt: Receipt, signature: Bytes, address: Address| {
        let call = PrecisReceiptVerifier::verifyCall { signer: address, receipt, signature };
        world.owner.read(verifier, &call).await.unwrap()
    };
    let recover = PrecisReceiptVerifier::recoverCall { receipt: receipt(), signature: good.clone() };
    assert_eq!(world.owner.read(verifier, &recover).await.unwrap(), signer.address());
    assert!(verify(receipt(), good.clone(), signer.address()).await);
    assert!(!verify(receipt(), good.clone(), key(8).address()).await);
    assert!(!verify(receipt(), good.clone(), Address::ZERO).await);
    let changed = Receipt { outputTokens: 91, ..receipt() };
    assert!(!verify(changed, good.clone(), signer.address()).await);
    for undefined in [Receipt { status: 0, ..receipt() }, Receipt { channel: 3, ..receipt() }] {
        let signature = sign(&undefined);
        assert!(!verify(undefined, signature, signer.address()).await);
    }

    let mut other_v = good.to_vec();
    other_v[64] = 0;
    let nobody: Bytes = [&[0; 64][..], &[27]].concat().into();
    let longer: Bytes = [&good[..], &[0]].concat().into();
    let cases = [
        (malleable(&good), PrecisReceiptVerifier::SignatureNotCanonical::SELECTOR),
        (other_v.into(), PrecisReceiptVerifier::SignatureRecoveryId::SELECTOR),
        (longer, PrecisReceiptVerifier::SignatureLength::SELECTOR),
        (nobody, PrecisReceiptVerifier::SignatureInvalid::SELECTOR),
    ];
    for (signature, selector) in cases {
        assert!(!verify(receipt(), signature.clone(), signer.address()).await);
        let input = PrecisReceiptVerifier::recoverCall { receipt: receipt(), signature }.abi_encode();
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [{"to": verifier, "data": Bytes::from(input)}]});
        let answer: Value =
            reqwest::Client::new().post(world.chain.url()).json(&request).send().await.unwrap().json().await.unwrap();
        let data: Bytes = serde_json::from_value(answer["error"]["data"].clone()).unwrap();
        assert_eq!(data[..4], selector);
    }
}

#[tokio::test]
async fn a_contract_accepts_the_receipt_that_the_service_signs() {
    use precis_protocol::receipt;

    let world = world().await;
    let verifier = world.owner.deploy(receipt_verifier_creation_code().unwrap()).await.unwrap();
    let digest = |byte: u8| precis_protocol::digest::Digest::of(&[byte]);
    let body = receipt::Receipt {
        receipt_id: [1; 32],
        app_id: [2; 21],
        enclave_identity: [3; 32],
        keyset_digest: digest(4),
        task: digest(17),
        model_digest: digest(5),
        parameters_digest: digest(6),
        request_digest: digest(7),
        text_digest: digest(18),
        response_digest: digest(8),
        issued_at: 1_790_000_000,
        block_number: 12,
        block_hash: B256::repeat_byte(10),
        sequence: 2,
        previous_receipt: B256::repeat_byte(11),
        input_tokens: 900,
        output_tokens: 90,
        tokens_read: 900,
        subordinates: digest(19),
        spent: U256::from(20),
        channel: receipt::Channel::Ohttp,
        status: receipt::ReceiptStatus::Completed,
    };
    let payment = receipt::Payment {
        network: "eip155:31337".into(),
        asset: world.token,
        pay_to: world.payee,
        amount: U256::from(1_234),
        payer: world.payer.address(),
        nonce: B256::repeat_byte(12),
        nonce_committed: true,
        transaction: B256::repeat_byte(13),
    };
    let salts = receipt::Salts { request: [14; 32], response: [15; 32] };
    let signer = k256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let signed = receipt::SignedReceipt::sign(body, Some(payment), salts, &signer).unwrap();
    // One layout, two declarations: what one encodes, the other reads.
    let typed = signed.receipt.typed(signed.payment.as_ref()).abi_encode();
    let typed = Receipt::abi_decode(&typed).unwrap();
    let signature = Bytes::from(signed.signature.to_vec());

    let digest = PrecisReceiptVerifier::digestCall { receipt: typed.clone() };
    assert_eq!(world.owner.read(verifier, &digest).await.unwrap(), signed.digest());
    let recover = PrecisReceiptVerifier::recoverCall { receipt: typed, signature };
    assert_eq!(world.owner.read(verifier, &recover).await.unwrap(), key(7).address());
}
