//! Requests over the encrypted channel, by a payer that knows nothing but RFC 9458.

use anyhow::{Context as _, ensure};
use precis_channel::ClientChannel;
use precis_protocol::headers;
use reqwest::header::CONTENT_TYPE;

use crate::http::{self, Answer, Ask};
use crate::testbed::town::Town;

impl Town {
    /// Sends a request over the encrypted channel. A key that the service does not have any more is asked for anew, once.
    ///
    /// # Errors
    /// If no answer comes, or it cannot be opened.
    pub async fn send_sealed(&self, ask: &Ask, extra: &[(&str, &str)]) -> anyhow::Result<Answer> {
        let (gateway, kept) = (format!("{}{}", self.url(), headers::OHTTP_GATEWAY_PATH), self.channel.get());
        if let Some(kept) = kept {
            let answer = self.through(&gateway, &kept, ask, extra).await;
            // What the service says of its load is an answer; anything else may be said of a key that is gone.
            if answer.as_ref().is_ok_and(|answer| answer.inner || answer.answer.status == 503) {
                return answer.map(|answer| answer.answer);
            }
            self.channel.put(None);
            answer?;
        }
        // A list of one configuration: two bytes of length, then the configuration.
        let list = http::get(&self.client, &gateway).await?;
        ensure!(list.status == 200, "{}: {}", list.status, list.text());
        let configuration = list.body.get(2..).context("no configuration")?.to_vec();
        let answer = self.through(&gateway, &configuration, ask, extra).await?;
        self.channel.put(Some(configuration));
        Ok(answer.answer)
    }

    async fn through(
        &self,
        gateway: &str,
        configuration: &[u8],
        ask: &Ask,
        extra: &[(&str, &str)],
    ) -> anyhow::Result<Through> {
        let mut request = ::http::Request::post(&ask.path).header(CONTENT_TYPE, &ask.media_type);
        for (name, value) in extra {
            request = request.header(*name, *value);
        }
        let (body, opener) = ClientChannel::new(configuration)?.seal(request.body(ask.body.clone().into())?)?;
        let sent = self.client.post(gateway).header(CONTENT_TYPE, ClientChannel::REQUEST_MEDIA_TYPE).body(body);
        let answer = http::answer(sent).await?;
        if answer.status != 200 {
            return Ok(Through { answer, inner: false });
        }
        let (parts, body) = opener.open(answer.header(CONTENT_TYPE.as_str()), &answer.body)?.into_parts();
        Ok(Through {
            answer: Answer { status: parts.status, headers: parts.headers, body: body.to_vec() },
            inner: true,
        })
    }
}

/// An answer, and whether it came out of the channel.
struct Through {
    answer: Answer,
    inner: bool,
}
