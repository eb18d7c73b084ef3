#![allow(clippy::unwrap_used)]
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, B256, U256};
use precis_protocol::challenge::{Block, Challenge};
use precis_protocol::keyset::{Keys, PayToOrigin, PaymentTarget, Release, Scheme};
use precis_protocol::price::Price;
use precis_protocol::receipt::{Channel, Receipt, Salts, SignedReceipt};
use precis_protocol::request::text_digest;
use precis_protocol::tags;
use precis_protocol::task::TaskTerms;
use precis_summarize::{
    ByteRange, Error, Limits, Manifest, Mode as ModelMode, Reason, Screened, Screening, Sentence, Summarizer, Summary,
    Vectorizer, Vectors,
};

use super::*;

const DOCUMENT: &str = "The ferry leaves at nine. It takes an hour.";
const PATH: &str = "/v1/summaries?mode=extractive&max_words=7";

/// Quotes the first sentence; what it cannot be told apart by goes into its parameters.
struct Stub {
    mode: ModelMode,
    parameter: u32,
    words: &'static str,
}

impl Summarizer for Stub {
    fn mode(&self) -> ModelMode {
        self.mode
    }
    fn manifest(&self) -> &Manifest {
        static EXTRACTIVE: std::sync::OnceLock<Manifest> = std::sync::OnceLock::new();
        EXTRACTIVE.get_or_init(|| Manifest::compiled_in(ModelMode::Extractive).unwrap())
    }
    fn parameters(&self) -> serde_json::Value {
        serde_json::json!({ "stub": self.parameter })
    }
    fn limits(&self) -> Limits {
        Limits { max_document_tokens: 100, max_document_bytes: 1000, max_sentences: 5, max_output_tokens: 10 }
    }
    fn count_tokens(&self, text: &str) -> Result<u32, Error> {
        Ok(u32::try_from(text.len()).unwrap())
    }
    fn predict(&self, _: u32) -> Duration {
        Duration::ZERO
    }
    fn summarize(&self, text: &str, options: &precis_summarize::Options, _: &Control) -> Result<Summary, Error> {
        assert_eq!(options.max_words, Some(7), "the options of the request are used");
        if text.contains("refuse") {
            return Err(Error::NotSummarizable(Reason::TooShort));
        }
        if text.contains("fail") {
            return Err(Error::Internal("stub"));
        }
        let end = text.find('.').map_or(text.len(), |dot| dot + 1);
        let quoted = format!("{}{}", &text[..end], self.words);
        Ok(Summary {
            text: quoted.clone(),
            sentences: vec![Sentence {
                text: quoted,
                cut: (false, false),
                source: Some(ByteRange::new(0, end)),
                grounding: None,
            }],
            input_tokens: 9,
            output_tokens: 5,
            chunks: 1,
            tokens_read: 9,
            verbatim: true,
        })
    }
}

fn models(parameter: u32, words: &'static str) -> Models {
    let stub = |mode| Arc::new(Stub { mode, parameter, words }) as Arc<dyn Summarizer>;
    Models {
        extractive: stub(ModelMode::Extractive),
        abstractive: stub(ModelMode::Abstractive),
        vectorizer: Arc::new(NoVectors),
    }
}

/// Makes no vectors; only summaries are made again here.
struct NoVectors;

impl Vectorizer for NoVectors {
    fn manifest(&self) -> &Manifest {
        static EMBEDDINGS: std::sync::OnceLock<Manifest> = std::sync::OnceLock::new();
        EMBEDDINGS.get_or_init(|| Manifest::compiled_in(ModelMode::Extractive).unwrap())
    }
    fn parameters(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
    fn limits(&self) -> Limits {
        Limits { max_document_tokens: 0, max_document_bytes: 0, max_sentences: 0, max_output_tokens: 0 }
    }
    fn width(&self) -> usize {
        0
    }
    fn screen(&self, _: &str, _: Screening) -> Result<Screened, Error> {
        Err(Error::Internal("stub"))
    }
    fn predict(&self, _: u32) -> Duration {
        Duration::ZERO
    }
    fn embed(&self, _: &[&str], _: &Control) -> Result<Vectors, Error> {
        Err(Error::Internal("stub"))
    }
}

fn keyset(receipt: &k256::ecdsa::SigningKey) -> Keyset {
    let price = Price { base: 1, per_1k_tokens: 1 };
    let terms = TaskTerms {
        model: Some(Digest::of(b"model")),
        parameters: Digest::of(b"parameters"),
        price,
        limits: Digest::of(b"limits"),
    };
    Keyset {
        version: tags::KEYSET.to_owned(),
        app_id: "rofl1qp55evqls4qg6cjw5fnlv4al9ptc0fsakvxvd9uw".to_owned(),
        instance_id: [6; 16],
        keys: Keys {
            identity: ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes(),
            receipt: receipt.verifying_key().to_encoded_point(true).as_bytes().try_into().unwrap(),
            channel: [5; 32],
        },
        ohttp_config: [&[1, 0, 0x20], [5; 32].as_slice(), &[0, 4, 0, 1, 0, 1]].concat(),
        tasks: [(Task::SummaryExtractive, terms)].into(),
        service_config_digest: Digest::of(b"config"),
        payments: vec![PaymentTarget {
            network: "eip155:1".to_owned(),
            asset: Address::ZERO,
            pay_to: Address::ZERO,
            pay_to_origin: PayToOrigin::EnclaveWallet,
            schemes: vec![Scheme::Exact],
        }],
        panel_digest: None,
        page_digest: None,
        kms_keys: vec![],
        release: Release { version: "0.1.0".to_owned(), commit: "unknown".to_owned() },
        not_before: 0,
        not_after: 1,
    }
}

/// A receipt for the document as `models` summarize it, before it was signed; `bend` is what is wrong with it.
fn saved(models: &Models, body: &str, bend: impl FnOnce(&mut ReceiptFile)) -> ReceiptFile {
    let key = k256::ecdsa::SigningKey::from_slice(&[5; 32]).unwrap();
    let keyset = serde_json::to_vec(&keyset(&key)).unwrap();
    let challenge = Challenge {
        nonce: [0; 32],
        issued_at: 0,
        block: Block { network: "eip155:1".to_owned(), number: 1, hash: B256::ZERO },
        signature: [0; 64],
    };
    let keyset_digest = Keyset::digest(&keyset);
    let attestation = Attestation { version: tags::ATTESTATION.to_owned(), keyset, evidence: vec![], challenge };
    let offering = offering(Task::SummaryExtractive).ok().unwrap();
    let facts = offering.facts(Task::SummaryExtractive, models);
    let (model, parameters) = (facts.model, digest_of(&facts.parameters));
    let salts = Salts { request: [1; 32], response: [2; 32] };
    let request = SavedRequest {
        method: "POST".to_owned(),
        path: PATH.to_owned(),
        media_type: "text/plain".to_owned(),
        body_digest: Digest::of(body.as_bytes()),
    };
    // Whatever the document was, the work was once done.
    let query = PATH.split_once('?').map(|(_, query)| query);
    let input = offering.read(&Sent { media_type: "text/plain", query, body: DOCUMENT.as_bytes() }).ok().unwrap();
    let result = input.perform(models, JobId([3; 16]), &Control::new()).unwrap();
    let receipt = Receipt {
        receipt_id: [9; 32],
        app_id: [2; 21],
        enclave_identity: [3; 32],
        keyset_digest,
        task: Task::SummaryExtractive.digest(),
        model_digest: model,
        parameters_digest: parameters,
        request_digest: Commitment::new("POST", PATH, "text/plain", body.as_bytes())
            .unwrap()
            .receipt_digest(&salts.request),
        text_digest: text_digest(&salts.request, &Digest::of(body.as_bytes())),
        response_digest: response_digest(&salts.response, OK, &result),
        issued_at: 1,
        block_number: 1,
        block_hash: B256::ZERO,
        sequence: 1,
        previous_receipt: B256::ZERO,
        input_tokens: 9,
        output_tokens: 5,
        tokens_read: 9,
        subordinates: Digest::from_bytes([0; 32]),
        spent: U256::ZERO,
        channel: Channel::Https,
        status: ReceiptStatus::Completed,
    };
    let unsigned = SignedReceipt { receipt, payment: None, salts, signature: [0; 65].into() };
    let attestation = serde_json::to_vec(&attestation).unwrap();
    let version = tags::RECEIPT_FILE.to_owned();
    let mut file = ReceiptFile { version, request, status_code: OK, result, receipt: unsigned, attestation };
    bend(&mut file);
    file.receipt = SignedReceipt::sign(file.receipt.receipt, None, salts, &key).unwrap();
    file
}

fn again(file: &ReceiptFile, body: &str, models: Models) -> Report {
    reproduce(file, body.as_bytes(), None, || Ok(models)).unwrap()
}

fn refused(file: &ReceiptFile, judged: Option<Judged>) -> String {
    let load = || anyhow::bail!("the models are loaded for a receipt that proves nothing");
    let report = reproduce(file, DOCUMENT.as_bytes(), judged, load).unwrap();
    assert_eq!(report.outcome(), Outcome::CannotTell);
    report.why.unwrap()
}

#[test]
fn the_same_model_parameters_and_document_give_the_result_of_the_receipt() {
    let file = saved(&models(1, ""), DOCUMENT, |_| {});
    let report = again(&file, DOCUMENT, models(1, ""));
    assert_eq!(report.outcome(), Outcome::Same, "{report}");
    assert_eq!(
        report.compared.iter().map(|c| (c.of, c.same)).collect::<Vec<_>>(),
        [("text", true), ("model", true), ("parameters", true), ("result", true)]
    );
    assert!(report.to_string().ends_with("SAME") && report.to_string().contains("not judged"));
    assert!(report.signed_by.is_some());
}

#[test]
fn another_result_of_the_same_model_is_named_by_the_sentence_that_differs_and_quotes_nothing() {
    let file = saved(&models(1, ""), DOCUMENT, |_| {});
    let report = again(&file, DOCUMENT, models(1, " Not."));
    assert_eq!((report.outcome(), report.outcome().exit_code()), (Outcome::Different, 1));
    assert_eq!(report.differing, ["sentence 1", "summary"]);
    let json = serde_json::to_string(&report).unwrap();
    assert!(!report.to_string().contains("ferry") && !json.contains("ferry"), "{report}{json}");
}

#[test]
fn a_result_by_other_parameters_or_another_model_is_not_compared() {
    let file = saved(&models(1, ""), DOCUMENT, |_| {});
    let other = again(&file, DOCUMENT, models(2, ""));
    assert_eq!((other.outcome(), other.outcome().exit_code()), (Outcome::CannotTell, 5));
    assert_eq!(
        other.compared.iter().map(|c| (c.of, c.same)).collect::<Vec<_>>(),
        [("text", true), ("model", true), ("parameters", false)]
    );
    let file = saved(&models(1, ""), DOCUMENT, |file| file.receipt.receipt.model_digest = Digest::of(b"other"));
    let other = again(&file, DOCUMENT, models(1, ""));
    assert_eq!(other.outcome(), Outcome::CannotTell);
    assert!(!other.compared[1].same && other.to_string().contains("model: DIFFERENT"));
}

#[test]
fn another_document_is_the_callers_to_change_and_no_model_is_loaded() {
    let file = saved(&models(1, ""), DOCUMENT, |_| {});
    let load = || anyhow::bail!("loaded");
    let error = reproduce(&file, b"Another document.", None, load).unwrap_err().to_string();
    assert!(error.contains("not the one that the receipt is for"), "{error}");
}

#[test]
fn a_receipt_that_does_not_hold_together_proves_nothing() {
    let stub = models(1, "");
    let changed = saved(&stub, DOCUMENT, |file| file.result.push(b' '));
    assert!(refused(&changed, None).contains("the result in the file"));
    let changed = saved(&stub, DOCUMENT, |file| file.request.path.push_str("&focus=x"));
    assert!(refused(&changed, None).contains("the request in the file"));
    let failed = saved(&stub, DOCUMENT, |file| file.receipt.receipt.status = ReceiptStatus::FailedUncharged);
    assert!(refused(&failed, None).contains("job that failed"));
    let foreign = saved(&stub, DOCUMENT, |file| file.receipt.receipt.keyset_digest = Digest::of(b"other"));
    assert!(refused(&foreign, None).contains("keyset"));
    let mut resigned = saved(&stub, DOCUMENT, |_| {});
    let key = k256::ecdsa::SigningKey::from_slice(&[6; 32]).unwrap();
    resigned.receipt = SignedReceipt::sign(resigned.receipt.receipt, None, resigned.receipt.salts, &key).unwrap();
    assert!(refused(&resigned, None).contains("recovers to"));
}

#[test]
fn a_receipt_that_the_policy_does_not_accept_is_not_reproduced() {
    let file = saved(&models(1, ""), DOCUMENT, |_| {});
    for verdict in [Verdict::Rejected, Verdict::Incomplete] {
        assert!(refused(&file, Some(Judged { verdict, insecure: false })).contains(verdict.as_str()));
    }
    let judged =
        reproduce(&file, DOCUMENT.as_bytes(), Some(Judged { verdict: Verdict::Verified, insecure: true }), || {
            Ok(models(1, ""))
        })
        .unwrap();
    assert!(judged.to_string().contains("under the policy: VERIFIED, INSECURE"));
}

#[test]
fn a_result_for_a_document_that_is_refused_here_was_not_made_by_this_model() {
    const BODY: &str = "These documents we refuse.";
    let file = saved(&models(1, ""), BODY, |_| {});
    let report = again(&file, BODY, models(1, ""));
    assert_eq!(report.outcome(), Outcome::Different);
    assert!(report.to_string().ends_with("too_short"), "{report}");
}

#[test]
fn work_that_fails_here_says_nothing_about_the_receipt() {
    const BODY: &str = "These documents fail.";
    let file = saved(&models(1, ""), BODY, |_| {});
    let report = again(&file, BODY, models(1, ""));
    assert_eq!(report.outcome(), Outcome::CannotTell);
    assert!(report.why.unwrap().contains("could not be made"));
}
