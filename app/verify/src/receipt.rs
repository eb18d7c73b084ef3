//! Receipts (SPEC 7): does a receipt of a verified service say what happened?
//!
//! Guarantee: a VERIFIED receipt transcript means that the attested enclave signed, for exactly this request, exactly this
//! result and exactly this payment. Details name digests and ids, never document text.

use alloy_primitives::{B256, U256};
use precis_protocol::price::Price;
use precis_protocol::receipt::{Payment, ReceiptStatus, SignedReceipt};
use precis_protocol::request::{Commitment, response_digest};
use precis_protocol::result::{Content, ResultError, TaskResult};
use precis_protocol::summary::SummaryResult;
use precis_protocol::task::TaskTerms;
use precis_protocol::{Digest, Mode, Task};

use crate::asked;
use crate::check;
use crate::exchange::{Body, Exchange};
use crate::given::{self, Worked};
use crate::service::VerifiedService;
use crate::settlement::{self, NotBefore};
use crate::time::CLOCK_TOLERANCE_SECONDS;
use crate::transcript::{Recorder, Transcript};

/// HTTP status of a completed summary.
const OK: u16 = 200;

/// Checks the receipt of one exchange with a verified service. `now` (Unix seconds) also refuses receipts from the future.
#[must_use]
pub fn check_receipt(service: &VerifiedService, exchange: &Exchange<'_>, now: Option<u64>) -> Transcript {
    let mut recorder = Recorder::new(service.insecure(), check::RECEIPT_CHECKS);
    record(&mut recorder, service, exchange, now);
    recorder.finish()
}

/// Records every receipt check.
pub(crate) fn record(recorder: &mut Recorder, service: &VerifiedService, exchange: &Exchange<'_>, now: Option<u64>) {
    let signed = match SignedReceipt::parse(exchange.receipt) {
        Ok(signed) => signed,
        Err(error) => {
            recorder.fail(check::RECEIPT_PARSE, format!("receipt: {error}"));
            return;
        }
    };
    signature(recorder, service, &signed);
    origin(recorder, service, &signed);
    request(recorder, &signed, exchange);
    response(recorder, &signed, exchange);
    status(recorder, &signed, exchange);
    let not_before = settlement::record(recorder, &signed, exchange.result, exchange.on_chain);
    time(recorder, service, &signed, now, not_before);
    let completed = signed.receipt.status == ReceiptStatus::Completed;
    let named = Task::of_digest(&signed.receipt.task);
    let read = |task| {
        let result = TaskResult::read(task, exchange.result)?;
        match asked::style(exchange) {
            Some(style) => result.in_style(style),
            None => Ok(result),
        }
    };
    let work = named.filter(|_| completed).map(read);
    let sold = task(recorder, service, &signed, named, work.as_ref());
    if completed {
        match work {
            Some(Ok(work)) => {
                recorder.pass(check::RECEIPT_PARSE, format!("receipt {}", hex::encode(signed.receipt.receipt_id)));
                model(recorder, &signed, sold, work.model);
                coverage(recorder, &signed, &work);
                let document = given::document(recorder, exchange, &signed);
                given::text(recorder, exchange, &signed, document.as_ref());
                content(recorder, exchange, &work, document.as_ref());
                payment(recorder, service, &signed, exchange, sold.map(|(_, terms)| &terms.price));
            }
            Some(Err(error)) => recorder.fail(check::RECEIPT_PARSE, format!("result: {error}")),
            None => recorder.fail(check::RECEIPT_PARSE, "result: of a task that is not known here"),
        }
    } else {
        recorder
            .pass(check::RECEIPT_PARSE, format!("receipt {} of a failed job", hex::encode(signed.receipt.receipt_id)));
        for absent in
            [check::RECEIPT_MODEL, check::RECEIPT_PARAMETERS, check::RECEIPT_COVERAGE, check::RECEIPT_VERBATIM]
        {
            recorder.optional(absent, "the job failed, there is no result");
        }
        let document = given::document(recorder, exchange, &signed);
        given::text(recorder, exchange, &signed, document.as_ref());
        given::summary(recorder, exchange, None);
        payment(recorder, service, &signed, exchange, None);
    }
}

fn signature(recorder: &mut Recorder, service: &VerifiedService, signed: &SignedReceipt) {
    let result = match (signed.signer(), service.keyset().receipt_address()) {
        (Ok(found), Ok(expected)) if found == expected => Ok(format!("{expected}, EIP-712 digest {}", signed.digest())),
        (Ok(found), Ok(expected)) => Err(format!("recovers to {found}, expected {expected}")),
        (Err(error), _) => Err(error.to_string()),
        (_, Err(error)) => Err(error.to_string()),
    };
    recorder.record(check::RECEIPT_SIGNATURE, result);
}

fn origin(recorder: &mut Recorder, service: &VerifiedService, signed: &SignedReceipt) {
    let receipt = &signed.receipt;
    let expected = service.keyset_digest();
    let first_follows = B256::from(*expected.as_bytes()) == receipt.previous_receipt;
    let keyset = if receipt.keyset_digest != expected {
        Err(format!("expected {expected}, found {}", receipt.keyset_digest))
    } else if receipt.sequence == 0 || (receipt.sequence == 1) != first_follows {
        Err(format!("sequence {} does not fit previousReceipt {}", receipt.sequence, receipt.previous_receipt))
    } else {
        Ok(format!("{expected}, sequence {}", receipt.sequence))
    };
    recorder.record(check::RECEIPT_KEYSET, keyset);
    same(recorder, check::RECEIPT_APP, &hex::encode(service.app_id().as_bytes()), &hex::encode(receipt.app_id));
    same(
        recorder,
        check::RECEIPT_IDENTITY,
        &hex::encode(service.enclave_identity()),
        &hex::encode(receipt.enclave_identity),
    );
}

fn same(recorder: &mut Recorder, check: check::CheckId, expected: &str, found: &str) -> bool {
    recorder.record(
        check,
        if expected == found { Ok(found.to_owned()) } else { Err(format!("expected {expected}, found {found}")) },
    )
}

fn commitment(exchange: &Exchange<'_>) -> Option<Commitment> {
    match exchange.body {
        Body::Bytes(body) => Commitment::new(exchange.method, exchange.path, exchange.media_type, body),
        Body::Digest(digest) => {
            Commitment::from_body_digest(exchange.method, exchange.path, exchange.media_type, &digest)
        }
    }
}

fn request(recorder: &mut Recorder, signed: &SignedReceipt, exchange: &Exchange<'_>) {
    let compared = match exchange.body {
        Body::Bytes(_) => "compared with the request as sent",
        Body::Digest(_) => "compared with method, path, media type and body digest in the file",
    };
    match commitment(exchange) {
        Some(request) => {
            let (expected, found) = (request.receipt_digest(&signed.salts.request), signed.receipt.request_digest);
            let result = if expected == found {
                Ok(format!("{found}; {compared}"))
            } else {
                Err(format!("expected {expected}, found {found}; {compared}"))
            };
            recorder.record(check::RECEIPT_REQUEST, result);
        }
        None => recorder.fail(check::RECEIPT_REQUEST, "the request is too long to commit to"),
    }
}

fn response(recorder: &mut Recorder, signed: &SignedReceipt, exchange: &Exchange<'_>) {
    let expected = response_digest(&signed.salts.response, exchange.status_code, exchange.result).to_string();
    same(recorder, check::RECEIPT_RESPONSE, &expected, &signed.receipt.response_digest.to_string());
}

fn status(recorder: &mut Recorder, signed: &SignedReceipt, exchange: &Exchange<'_>) {
    let receipt = &signed.receipt;
    let completed = receipt.status == ReceiptStatus::Completed;
    let detail = format!("{:?} over {:?}, HTTP status {}", receipt.status, receipt.channel, exchange.status_code);
    let fits = if completed { exchange.status_code == OK } else { exchange.status_code >= 400 };
    let result = match exchange.channel {
        Some(used) if used != receipt.channel => Err(format!("{detail}; the channel used was {used:?}")),
        _ if fits => Ok(detail),
        _ => Err(detail),
    };
    recorder.record(check::RECEIPT_STATUS, result);
}

/// The enclave's clock is its host's: the detail says what bounds the time besides, and what shows it.
fn time(
    recorder: &mut Recorder,
    service: &VerifiedService,
    signed: &SignedReceipt,
    now: Option<u64>,
    not_before: Option<NotBefore>,
) {
    let issued_at = signed.receipt.issued_at;
    let keyset = service.keyset();
    let result = if issued_at < keyset.not_before || issued_at > keyset.not_after {
        Err(format!("issued {issued_at}, keyset valid {} to {}", keyset.not_before, keyset.not_after))
    } else if let Some(now) = now.filter(|now| issued_at > now.saturating_add(CLOCK_TOLERANCE_SECONDS)) {
        Err(format!("issued {issued_at}, after now {now}"))
    } else {
        let earliest = match not_before {
            Some(bound) => format!("not before {}, by {} as a node tells it", bound.time, bound.shown_by),
            None => format!("no lower bound: no node told of block {}", signed.receipt.block_number),
        };
        let latest =
            now.map_or_else(|| "no upper bound".to_owned(), |now| format!("not after {now}, by the caller's clock"));
        Ok(format!("issued {issued_at} by the enclave's clock, which its host sets; {earliest}; {latest}"))
    };
    recorder.record(check::RECEIPT_TIME, result);
}

fn model(recorder: &mut Recorder, signed: &SignedReceipt, sold: Option<Sold<'_>>, in_result: Option<Digest>) {
    let Some((task, terms)) = sold else { return };
    let named = |model: Option<Digest>| model.map_or_else(|| "no model".to_owned(), |model| model.to_string());
    // A task that no model does has the digest zero.
    let in_receipt = Some(signed.receipt.model_digest).filter(|digest| *digest.as_bytes() != [0; 32]);
    let (expected, found) = (named(terms.model), named(in_receipt));
    let result = if expected != found {
        Err(format!("expected {expected} for {task}, found {found}"))
    } else if in_result != terms.model {
        Err(format!("expected {expected} for {task}, the result names {}", named(in_result)))
    } else {
        Ok(format!("{task} {found}"))
    };
    recorder.record(check::RECEIPT_MODEL, result);
    let (expected, found) = (terms.parameters.to_string(), signed.receipt.parameters_digest.to_string());
    same(recorder, check::RECEIPT_PARAMETERS, &expected, &found);
}

/// A task with the terms on which the service sells it.
type Sold<'a> = (Task, &'a TaskTerms);

/// The task that was bought: one that the service sells and the policy allows, and the one of the result. No task that is known here
/// buys parts of its work from others.
fn task<'a>(
    recorder: &mut Recorder,
    service: &'a VerifiedService,
    signed: &SignedReceipt,
    named: Option<Task>,
    work: Option<&Result<TaskResult, ResultError>>,
) -> Option<Sold<'a>> {
    let receipt = &signed.receipt;
    let sold = named.and_then(|task| Some((task, service.terms(task)?)));
    let result = match named {
        None => Err(format!("{} is the digest of no task that is known here", receipt.task)),
        Some(task) if matches!(work, Some(Err(ResultError::Task(_)))) => {
            Err(format!("{task}, but the result is of another"))
        }
        Some(task) if sold.is_none() => Err(format!("{task} is not sold by the service, or not allowed by the policy")),
        Some(task) if receipt.spent != U256::ZERO || *receipt.subordinates.as_bytes() != [0; 32] => {
            Err(format!("{task} buys nothing from others, but {} was spent", receipt.spent))
        }
        Some(task) => Ok(task.id().to_owned()),
    };
    recorder.record(check::RECEIPT_TASK, result);
    sold
}

/// Checks that only results of some tasks allow.
fn content(
    recorder: &mut Recorder,
    exchange: &Exchange<'_>,
    work: &TaskResult,
    document: Option<&Result<Worked, String>>,
) {
    match &work.content {
        Content::Summary(summary) => {
            let text = document.map(|worked| match worked {
                Ok(worked) => Ok(worked.text.as_deref().unwrap_or_default()),
                Err(why) => Err(why.as_str()),
            });
            verbatim(recorder, summary, text);
            given::summary(recorder, exchange, Some(summary));
        }
        Content::Embeddings(_) | Content::Rerank(_) => {
            recorder.optional(check::RECEIPT_VERBATIM, "nothing is quoted");
            given::summary(recorder, exchange, None);
        }
    }
}

fn coverage(recorder: &mut Recorder, signed: &SignedReceipt, work: &TaskResult) {
    let (receipt, tokens) = (&signed.receipt, work.tokens);
    let counts = format!(
        "receipt {} of {} tokens read, {} written; result {} of {} read, {} written",
        receipt.tokens_read, receipt.input_tokens, receipt.output_tokens, tokens.read, tokens.input, tokens.output
    );
    let agree = receipt.input_tokens == tokens.input
        && receipt.tokens_read == tokens.read
        && receipt.output_tokens == tokens.output;
    let complete = work.complete && receipt.tokens_read == receipt.input_tokens;
    recorder.record(check::RECEIPT_COVERAGE, if agree && complete { Ok(counts) } else { Err(counts) });
}

fn verbatim(recorder: &mut Recorder, result: &SummaryResult, document: Option<Result<&str, &str>>) {
    match (result.mode, result.verbatim, document) {
        (Mode::Abstractive, true, _) => {
            recorder.fail(check::RECEIPT_VERBATIM, "an abstractive summary says that it is verbatim")
        }
        // A sentence in place of one that failed is quoted. Without the document, or without its text, nothing is compared.
        (Mode::Abstractive, false, Some(Ok(document))) => match quoted(result, document) {
            Err(foreign) => recorder.fail(check::RECEIPT_VERBATIM, foreign),
            Ok(count) => recorder.optional(
                check::RECEIPT_VERBATIM,
                format!(
                    "abstractive: {count} quoted sentences stand in the document, the others have grounding instead"
                ),
            ),
        },
        (Mode::Abstractive, false, _) => {
            recorder.optional(check::RECEIPT_VERBATIM, "abstractive: sentences have grounding instead")
        }
        (Mode::Extractive, false, _) => {
            recorder.fail(check::RECEIPT_VERBATIM, "an extractive summary says that it is not verbatim")
        }
        (Mode::Extractive, true, None) => recorder.optional(check::RECEIPT_VERBATIM, "the document was not given"),
        (Mode::Extractive, true, Some(Err(why))) => {
            recorder.fail(check::RECEIPT_VERBATIM, format!("the document given has no text: {why}"));
        }
        (Mode::Extractive, true, Some(Ok(document))) => {
            let count = result.sentences.len();
            let result = match quoted(result, document) {
                Ok(_) if count == 0 => Err("there is no sentence".to_owned()),
                Ok(quoted) if quoted < count => Err(format!("{} of {count} sentences have no offsets", count - quoted)),
                Ok(_) => Ok(format!("{count} sentences stand in the document")),
                Err(foreign) => Err(foreign),
            };
            recorder.record(check::RECEIPT_VERBATIM, result);
        }
    }
}

/// Count of the sentences that have offsets; an error if one of them does not stand there.
fn quoted(result: &SummaryResult, document: &str) -> Result<usize, String> {
    let stands = |start: Option<u64>, end: Option<u64>, text: &str| {
        let range = usize::try_from(start?).ok()?..usize::try_from(end?).ok()?;
        document.get(range).filter(|quoted| *quoted == text)
    };
    let (mut quoted, count) = (0, result.sentences.len());
    for (index, sentence) in result.sentences.iter().enumerate() {
        let (start, end) = (sentence.start, sentence.end);
        if start.is_none() && end.is_none() {
            continue;
        }
        if stands(start, end, &sentence.text).is_none() {
            return Err(format!("sentence {} of {count} does not stand at its offsets in the document", index + 1));
        }
        quoted += 1;
    }
    Ok(quoted)
}

/// `price` is that of the task; `None` for a failed job.
fn payment(
    recorder: &mut Recorder,
    service: &VerifiedService,
    signed: &SignedReceipt,
    exchange: &Exchange<'_>,
    price: Option<&Price>,
) {
    let price = price.map(|price| price.amount(signed.receipt.input_tokens));
    let result = match (&signed.payment, price) {
        (None, Some(0)) if exchange.payment.is_none() => Ok("free, nothing was paid".to_owned()),
        (None, None) if exchange.payment.is_none() => Ok("failed, nothing was paid".to_owned()),
        (None, _) => Err("the receipt names no payment".to_owned()),
        (Some(paid), price) => paid_as_agreed(service, signed, paid, exchange, price),
    };
    recorder.record(check::RECEIPT_PAYMENT, result);
}

fn paid_as_agreed(
    service: &VerifiedService,
    signed: &SignedReceipt,
    paid: &Payment,
    exchange: &Exchange<'_>,
    price: Option<u128>,
) -> Result<String, String> {
    let target = service
        .payments()
        .iter()
        .find(|target| target.network == paid.network && target.asset == paid.asset)
        .ok_or_else(|| {
            format!(
                "{} on {} is no way of paying that the keyset names and the policy allows",
                paid.asset, paid.network
            )
        })?;
    let expect = |what: &str, expected: &dyn std::fmt::Display, found: &dyn std::fmt::Display| {
        let (expected, found) = (expected.to_string(), found.to_string());
        if expected == found { Ok(()) } else { Err(format!("{what}: expected {expected}, found {found}")) }
    };
    expect("payee", &target.pay_to, &paid.pay_to)?;
    if let Some(price) = price {
        expect("amount by the price", &price, &paid.amount)?;
    }
    let compared = if exchange.payment.is_some() {
        "compared with keyset, price and what was authorized"
    } else {
        "compared with keyset and price; what was authorized was not given"
    };
    if let Some(authorized) = &exchange.payment {
        expect("authorized network", &authorized.network, &paid.network)?;
        expect("authorized asset", &authorized.asset, &paid.asset)?;
        expect("authorized payee", &authorized.pay_to, &paid.pay_to)?;
        expect("authorized amount", &authorized.amount, &paid.amount)?;
        expect("authorized payer", &authorized.payer, &paid.payer)?;
        expect("authorized nonce", &authorized.nonce, &paid.nonce)?;
        expect("nonce committed", &authorized.nonce_salt.is_some(), &paid.nonce_committed)?;
        if let Some(salt) = authorized.nonce_salt {
            let committed = commitment(exchange).map(|request| B256::from(request.payment_nonce(&salt)));
            expect("committed nonce", &committed.unwrap_or_default(), &paid.nonce)?;
        }
    }
    match signed.receipt.status {
        ReceiptStatus::FailedUncharged if paid.transaction != B256::ZERO => {
            Err(format!("not charged, yet settled by {}", paid.transaction))
        }
        ReceiptStatus::Completed | ReceiptStatus::FailedRefunded if paid.transaction == B256::ZERO => {
            Err("charged, but no settlement transaction is named".to_owned())
        }
        _ => Ok(format!(
            "{} of {} on {} from {}, transaction {}; {compared}",
            paid.amount, paid.asset, paid.network, paid.payer, paid.transaction
        )),
    }
}
