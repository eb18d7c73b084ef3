//! Document and options out of the bytes of a request.

use precis_extract::{DocumentType, ExtractError, extract};
use precis_protocol::encoding;
use precis_protocol::limits::MAX_DOCUMENT_BYTES;
use precis_protocol::summary::{Options, SummaryRequest};
use zeroize::Zeroizing;

use crate::error::{Class, Failure};
use crate::task::{Sent, body};

/// Refuses options that are out of range.
pub(super) fn check(options: &Options) -> Result<(), Failure> {
    options.check().map_err(|error| Failure::new(Class::BadOptions, error.to_string()))
}

/// Document and options of a request, by its bytes alone.
pub(super) fn document(sent: &Sent<'_>) -> Result<(Zeroizing<String>, Options), Failure> {
    let (media_type, data, options) = if body::is_json(sent.media_type) {
        let body: SummaryRequest = body::of(sent)?;
        let (media_type, data) = match (body.document, body.media_type, body.data, body.tokens) {
            (Some(document), None, None, None) => ("text/plain".to_owned(), Zeroizing::new(document.into_bytes())),
            (None, Some(media_type), Some(data), None) => {
                let data = encoding::base64_decode(&data)
                    .map_err(|error| Failure::new(Class::BadRequest, format!("`data`: {error}")))?;
                (media_type, Zeroizing::new(data))
            }
            _ => return Err(Failure::new(Class::BadRequest, "send either `document`, or `media_type` with `data`")),
        };
        (media_type, data, body.options)
    } else {
        // Refused here rather than by the extractor, so that an unknown type is 415 whatever the bytes are.
        DocumentType::parse(sent.media_type)
            .map_err(|error| Failure::new(Class::UnsupportedMediaType, error.to_string()))?;
        (sent.media_type.to_owned(), Zeroizing::new(sent.body.to_vec()), query_options(sent.query.unwrap_or_default())?)
    };
    check(&options)?;
    let limits = precis_extract::Limits { max_bytes: MAX_DOCUMENT_BYTES };
    let text = extract(&media_type, &data, &limits).map_err(|error| {
        let class = match error {
            ExtractError::MediaType(_) => Class::UnsupportedMediaType,
            ExtractError::TooLarge { .. } => Class::DocumentTooLong,
            _ => Class::UnreadableDocument,
        };
        Failure::new(class, error.to_string())
    })?;
    Ok((Zeroizing::new(text), options))
}

fn query_options(query: &str) -> Result<Options, Failure> {
    let uri = format!("/?{query}").parse().map_err(|_| Failure::new(Class::BadOptions, "the query is malformed"))?;
    axum::extract::Query::<Options>::try_from_uri(&uri).map(|options| options.0).map_err(|_| {
        Failure::new(
            Class::BadOptions,
            "options in the query are `mode`, `max_words`, `max_sentences`, `focus`, each once",
        )
    })
}
