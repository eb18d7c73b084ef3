//! One paid exchange with the service, and its receipt.

use alloy_primitives::{Address, B256, U256, keccak256};
use precis_protocol::receipt::{
    Channel, Payment, Receipt, ReceiptFile, ReceiptStatus, Salts, SavedRequest, SignedReceipt,
};
use precis_protocol::request::{Commitment, response_digest, text_digest};
use precis_protocol::{Digest, Task, tags};
use precis_verify::check::CheckId;
use precis_verify::{Body, ExpectedPayment};
use precis_verify::{ChainBlock, Exchange, Log, Mined, OnChain, Online, Transcript, VerifiedService};

use super::{APP, NETWORK, NOW, World, assert_fails};

pub const DOCUMENT: &str = "Oak is hard. Pine is soft. Birch is white.";
pub const RESULT: &str = concat!(
    r#"{"id":"00000000000000000000000000000001","mode":"extractive","summary":"Oak is hard. Birch is white.","#,
    r#""sentences":[{"text":"Oak is hard.","start":0,"end":12},{"text":"Birch is white.","start":27,"end":42}],"#,
    r#""coverage":{"inputTokens":1200,"tokensRead":1200,"chunks":2,"complete":true},"#,
    r#""usage":{"inputTokens":1200,"outputTokens":8},"verbatim":true,"model":"MODEL"}"#
);
pub const BODY: &[u8] = br#"{"document":"Oak is hard. Pine is soft. Birch is white."}"#;
pub const SALT: [u8; 32] = [0x5a; 32];
/// Transaction that pays back, where the work failed.
pub const REFUND: B256 = B256::repeat_byte(0x7e);

/// One paid exchange; tests change one thing and look at the verdict.
pub struct Job {
    pub service: VerifiedService,
    pub key: k256::ecdsa::SigningKey,
    pub receipt: Receipt,
    pub payment: Option<Payment>,
    pub salts: Salts,
    pub method: String,
    pub path: String,
    pub media_type: String,
    pub body: Vec<u8>,
    pub status_code: u16,
    pub result: Vec<u8>,
    pub channel: Option<Channel>,
    pub authorized: Option<ExpectedPayment>,
    pub document: Option<Vec<u8>>,
    pub summary: Option<String>,
    pub on_chain: Option<OnChain>,
    pub now: Option<u64>,
    pub bend_receipt: fn(&mut SignedReceipt),
}

impl Job {
    pub fn new() -> Self {
        let world = World::new();
        let service = world.service();
        let result = RESULT.replace("MODEL", &Digest::of(b"extractive model").to_string()).into_bytes();
        let request = Commitment::new("POST", "/v1/summaries", "application/json", BODY).unwrap();
        let salts = Salts { request: [7; 32], response: [8; 32] };
        let nonce = B256::from(request.payment_nonce(&SALT));
        let payment = Payment {
            network: NETWORK.to_owned(),
            asset: Address::repeat_byte(0xaa),
            pay_to: Address::repeat_byte(0xbb),
            amount: U256::from(2000),
            payer: Address::repeat_byte(0xdd),
            nonce,
            nonce_committed: true,
            transaction: B256::repeat_byte(0x77),
        };
        let receipt = Receipt {
            receipt_id: [1; 32],
            app_id: APP,
            enclave_identity: *service.enclave_identity(),
            keyset_digest: service.keyset_digest(),
            task: Task::SummaryExtractive.digest(),
            model_digest: Digest::of(b"extractive model"),
            parameters_digest: Digest::of(b"extractive parameters"),
            request_digest: request.receipt_digest(&salts.request),
            text_digest: text_digest(&salts.request, &Digest::of(DOCUMENT.as_bytes())),
            response_digest: response_digest(&salts.response, 200, &result),
            issued_at: NOW + 1,
            block_number: 13,
            block_hash: B256::repeat_byte(0xb2),
            sequence: 1,
            previous_receipt: B256::from(*service.keyset_digest().as_bytes()),
            input_tokens: 1200,
            output_tokens: 8,
            tokens_read: 1200,
            subordinates: Digest::from_bytes([0; 32]),
            spent: U256::ZERO,
            channel: Channel::Ohttp,
            status: ReceiptStatus::Completed,
        };
        let authorized = ExpectedPayment {
            network: payment.network.clone(),
            asset: payment.asset,
            pay_to: payment.pay_to,
            amount: payment.amount,
            payer: payment.payer,
            nonce,
            nonce_salt: Some(SALT),
        };
        Self {
            service,
            key: world.receipt,
            receipt,
            payment: Some(payment),
            salts,
            method: "POST".to_owned(),
            path: "/v1/summaries".to_owned(),
            media_type: "application/json".to_owned(),
            body: BODY.to_vec(),
            status_code: 200,
            result,
            channel: Some(Channel::Ohttp),
            authorized: Some(authorized),
            document: Some(DOCUMENT.as_bytes().to_vec()),
            summary: Some("Oak is hard. Birch is white.\n".to_owned()),
            on_chain: None,
            now: Some(NOW + 2),
            bend_receipt: |_| {},
        }
    }

    /// The same exchange with another request.
    pub fn asking(media_type: &str, body: &[u8]) -> Self {
        let request = Commitment::new("POST", "/v1/summaries", media_type, body).unwrap();
        let nonce = B256::from(request.payment_nonce(&SALT));
        let mut job = Self::new();
        (job.media_type, job.body) = (media_type.to_owned(), body.to_vec());
        job.receipt.request_digest = request.receipt_digest(&job.salts.request);
        job.payment.as_mut().unwrap().nonce = nonce;
        job.authorized.as_mut().unwrap().nonce = nonce;
        job
    }

    /// A transaction in the block after the one that the receipt names, by which `from` pays the price to `to`.
    fn moved(&self, from: Address, to: Address, nonce: B256) -> Mined {
        let payment = self.payment.as_ref().unwrap();
        let used = [keccak256("AuthorizationUsed(address,bytes32)"), from.into_word(), nonce];
        let moved = [keccak256("Transfer(address,address,uint256)"), from.into_word(), to.into_word()];
        let log = |topics: [B256; 3], data: Vec<u8>| Log { address: payment.asset, topics: topics.to_vec(), data };
        Mined {
            number: self.receipt.block_number + 1,
            block: ChainBlock { hash: B256::repeat_byte(0xb3), timestamp: self.receipt.issued_at - 4 },
            succeeded: true,
            logs: vec![log(used, Vec::new()), log(moved, payment.amount.to_be_bytes::<32>().to_vec())],
        }
    }

    /// The same payment for work that failed and was paid back by [`REFUND`].
    pub fn refunded() -> Self {
        let mut job = Self::new();
        (job.summary, job.status_code) = (None, 500);
        job.receipt.status = ReceiptStatus::FailedRefunded;
        job.set_result(
            String::from_utf8(precis_protocol::problem::outcome("work_failed", Some(&REFUND.to_string()))).unwrap(),
        );
        let payment = job.payment.clone().unwrap();
        let (asset, payer) = (payment.asset.into_array(), payment.payer.into_array());
        let claim = precis_protocol::job::claim_key(&payment.network, &asset, &payer, &payment.nonce.0);
        let back = job.moved(payment.pay_to, payment.payer, precis_protocol::job::refund_nonce(&claim).into());
        job.on_chain = Some(OnChain { refund: Some(back), ..job.on_chain() });
        job
    }

    /// What an honest node says of the receipt.
    pub fn on_chain(&self) -> OnChain {
        let payment = self.payment.as_ref().unwrap();
        OnChain {
            head: self.receipt.block_number + 5,
            block: Some(ChainBlock { hash: self.receipt.block_hash, timestamp: self.receipt.issued_at - 9 }),
            settlement: Some(self.moved(payment.payer, payment.pay_to, payment.nonce)),
            refund: None,
        }
    }

    /// Replaces the result as the enclave itself would have made it.
    pub fn set_result(&mut self, result: String) {
        self.result = result.into_bytes();
        self.receipt.response_digest = response_digest(&self.salts.response, self.status_code, &self.result);
    }

    pub fn signed(&self) -> SignedReceipt {
        let mut signed =
            SignedReceipt::sign(self.receipt.clone(), self.payment.clone(), self.salts, &self.key).unwrap();
        (self.bend_receipt)(&mut signed);
        signed
    }

    pub fn check(&self) -> Transcript {
        let receipt = serde_json::to_vec(&self.signed()).unwrap();
        let exchange = Exchange {
            method: &self.method,
            path: &self.path,
            media_type: &self.media_type,
            body: Body::Bytes(&self.body),
            status_code: self.status_code,
            result: &self.result,
            receipt: &receipt,
            channel: self.channel,
            payment: self.authorized.clone(),
            document: self.document.as_deref(),
            text: None,
            summary: self.summary.as_deref().map(str::as_bytes),
            on_chain: self.on_chain.as_ref().map_or(Online::NotAsked, Online::Known),
        };
        precis_verify::check_receipt(&self.service, &exchange, self.now)
    }

    pub fn file(&self) -> ReceiptFile {
        ReceiptFile {
            version: tags::RECEIPT_FILE.to_owned(),
            request: SavedRequest {
                method: self.method.clone(),
                path: self.path.clone(),
                media_type: self.media_type.to_ascii_lowercase(),
                body_digest: Digest::of(&self.body),
            },
            status_code: self.status_code,
            result: self.result.clone(),
            receipt: self.signed(),
            attestation: self.service.attestation_bytes().to_vec(),
        }
    }
}

/// Asserts that a job with one change is rejected by `check`.
#[track_caller]
pub fn receipt_rejects(check: CheckId, change: impl FnOnce(&mut Job)) {
    let mut job = Job::new();
    change(&mut job);
    assert_fails(&job.check(), check);
}
