//! Plain HTTP, as any client without our code speaks it.

use std::sync::Once;
use std::time::Duration;

use anyhow::Context as _;
use precis_payment::wire::{self, PaymentRequired};
use precis_protocol::headers;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, StatusCode};
use serde_json::Value;

/// An HTTP client without redirects or proxies.
///
/// # Errors
/// If it cannot be made.
pub fn client() -> anyhow::Result<Client> {
    static PROVIDER: Once = Once::new();
    // Another call in this process may have installed the same provider.
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let builder =
        Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(Duration::from_secs(120));
    builder.build().context("HTTP client")
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// If it is none.
    pub fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("{}: not JSON: {}", self.status, self.text()))
    }

    /// The body as text, for messages.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header as text; empty if absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The x402 quote of a 402 answer.
    ///
    /// # Errors
    /// If the answer is no quote.
    pub fn quote(&self) -> anyhow::Result<PaymentRequired> {
        anyhow::ensure!(self.status == StatusCode::PAYMENT_REQUIRED, "{} instead of 402: {}", self.status, self.text());
        wire::decode(self.header(headers::PAYMENT_REQUIRED).as_bytes()).context("PAYMENT-REQUIRED")
    }

    /// Requires a status and, for a problem document, its stable code; a problem must say that nothing was charged.
    ///
    /// # Errors
    /// With the answer, if it is another.
    pub fn refused(&self, status: u16, code: &str) -> anyhow::Result<()> {
        self.refused_and_charged(status, code, &Value::Bool(false))
    }

    /// The same of a problem that says otherwise of the money: `true`, or `"unknown"`.
    ///
    /// # Errors
    /// With the answer, if it is another.
    pub fn refused_and_charged(&self, status: u16, code: &str, charged: &Value) -> anyhow::Result<()> {
        anyhow::ensure!(self.status == status, "{} instead of {status}: {}", self.status, self.text());
        let problem = self.json()?;
        if status == 402 {
            // The body of a 402 is the quote; its `error` names the reason.
            let quote = self.quote()?;
            let error = quote.error.unwrap_or_default();
            anyhow::ensure!(error.contains(code), "402 for another reason than {code}: {error}");
            return Ok(());
        }
        anyhow::ensure!(
            self.header("content-type") == headers::PROBLEM_JSON,
            "no problem document: {}",
            self.header("content-type")
        );
        anyhow::ensure!(problem["code"] == code, "code {} instead of {code}", problem["code"]);
        anyhow::ensure!(problem["charged"] == *charged, "charged is {}", problem["charged"]);
        anyhow::ensure!(problem["next"].as_str().is_some_and(|next| !next.is_empty()), "no next action: {problem}");
        Ok(())
    }
}

/// A request to the paid route.
#[derive(Clone)]
pub struct Ask {
    /// Path with query.
    pub path: String,
    /// `Content-Type`; empty for none.
    pub media_type: String,
    /// Body.
    pub body: Vec<u8>,
}

impl Ask {
    /// A document as JSON with options.
    #[must_use]
    pub fn json(document: &str, options: Value) -> Self {
        let body = serde_json::json!({ "document": document, "options": options });
        Self {
            path: headers::SUMMARIES_PATH.into(),
            media_type: "application/json".into(),
            body: body.to_string().into_bytes(),
        }
    }

    /// A raw document.
    #[must_use]
    pub fn raw(media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { path: headers::SUMMARIES_PATH.into(), media_type: media_type.into(), body: body.into() }
    }

    /// Sends it to `origin`, with further headers.
    ///
    /// # Errors
    /// If no answer comes.
    pub async fn send(&self, client: &Client, origin: &str, extra: &[(&'static str, &str)]) -> anyhow::Result<Answer> {
        let mut request = client.post(format!("{origin}{}", self.path)).body(self.body.clone());
        if !self.media_type.is_empty() {
            request = request.header(CONTENT_TYPE, &self.media_type);
        }
        for (name, value) in extra {
            request = request.header(*name, HeaderValue::from_str(value)?);
        }
        answer(request).await
    }
}

/// `GET` of a URL.
///
/// # Errors
/// If no answer comes.
pub async fn get(client: &Client, url: &str) -> anyhow::Result<Answer> {
    answer(client.get(url)).await
}

/// Sends a request and reads the whole answer.
///
/// # Errors
/// If no answer comes.
pub async fn answer(request: reqwest::RequestBuilder) -> anyhow::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    Ok(Answer { status, headers, body: response.bytes().await?.to_vec() })
}
