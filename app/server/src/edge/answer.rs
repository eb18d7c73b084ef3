//! Bodies of answers whose bytes keep something for as long as anybody has them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

/// `body`, each of whose bytes keeps `what`.
pub fn held<T: Send + Sync + 'static>(body: Body, what: T) -> Body {
    Body::new(Held { body, what: Arc::new(what) })
}

struct Held<T> {
    body: Body,
    what: Arc<T>,
}

impl<T: Send + Sync + 'static> hyper::body::Body for Held<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        let keep = |bytes: Bytes| Bytes::from_owner(Kept { bytes, _what: Arc::clone(&self.what) });
        frame.map(|frame| frame.map(|frame| frame.map(|frame| frame.map_data(keep))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

struct Kept<T> {
    bytes: Bytes,
    _what: Arc<T>,
}

impl<T> AsRef<[u8]> for Kept<T> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn what_is_held_ends_with_the_last_byte_and_not_before() {
        let what = Arc::new(());
        let mut body = held(Body::from("answer"), Arc::clone(&what));
        assert_eq!(hyper::body::Body::size_hint(&body).exact(), Some(6));
        let bytes = body.frame().await.unwrap().unwrap().into_data().unwrap();
        drop(body);
        assert!(bytes == "answer" && Arc::strong_count(&what) == 2);
        drop(bytes);
        assert_eq!(Arc::strong_count(&what), 1);
    }
}
