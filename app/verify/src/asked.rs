//! Options of a request for a summary, read out of an exchange (SPEC 5.1).

use precis_protocol::limits::MAX_REQUEST_BODY_BYTES;
use precis_protocol::summary::SummaryRequest;
use precis_protocol::{Digest, Style, strict};

use crate::exchange::{Body, Exchange};
use crate::given;

/// The style that was asked for; none where the options cannot be told: a saved receipt keeps no more than the digest of a JSON body.
pub(crate) fn style(exchange: &Exchange<'_>) -> Option<Style> {
    if !given::is_json(exchange.media_type) {
        return in_query(exchange.path);
    }
    let body = match exchange.body {
        Body::Bytes(body) => body,
        Body::Digest(digest) => exchange.document.filter(|given| Digest::of(given) == digest)?,
    };
    let request: SummaryRequest = strict::from_slice(body, MAX_REQUEST_BODY_BYTES).ok()?;
    Some(request.options.style)
}

/// The style in a query, if it is written without escapes.
fn in_query(path: &str) -> Option<Style> {
    let mut found = Style::default();
    for pair in path.split_once('?').map_or("", |(_, query)| query).split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name.contains(['%', '+']) {
            return None;
        }
        if name == "style" {
            found = Style::ALL.into_iter().find(|style| style.name() == value)?;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_a_style_or_means_the_usual_one() {
        for (path, style) in [
            ("/v1/summaries", Some(Style::Paragraph)),
            ("/v1/summaries?mode=extractive&focus=a%20style=b", Some(Style::Paragraph)),
            ("/v1/summaries?mode=extractive&style=tldr&focus=x", Some(Style::Tldr)),
            ("/v1/summaries?style=haiku", None),
            ("/v1/summaries?style=%74ldr", None),
            ("/v1/summaries?%73tyle=tldr", None),
        ] {
            assert_eq!(in_query(path), style, "{path}");
        }
    }
}
