//! Document and options out of the bytes of a request.

use precis_protocol::encoding;
use precis_protocol::summary::{Options, SummaryRequest};
use zeroize::Zeroizing;

use crate::documents;
use crate::error::{Class, Failure};
use crate::task::body;
use crate::task::offering::Sent;

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
        (sent.media_type.to_owned(), Zeroizing::new(sent.body.to_vec()), query_options(sent.query.unwrap_or_default())?)
    };
    check(&options)?;
    let text = documents::text(&media_type, &data)?;
    Ok((Zeroizing::new(text), options))
}

fn query_options(query: &str) -> Result<Options, Failure> {
    let uri = format!("/?{query}").parse().map_err(|_| Failure::new(Class::BadOptions, "the query is malformed"))?;
    axum::extract::Query::<Options>::try_from_uri(&uri).map(|options| options.0).map_err(|_| {
        Failure::new(
            Class::BadOptions,
            "options in the query are `mode`, `max_words`, `max_sentences`, `focus`, `style`, each once",
        )
    })
}
