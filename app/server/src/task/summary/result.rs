//! The result as the wire has it (SPEC 5.2).

use precis_protocol::style::{Piece, Style};
use precis_protocol::summary::{Coverage, Grounding, Sentence, Source, SummaryResult, Usage};
use precis_protocol::{Digest, Mode};
use precis_store::JobId;
use precis_summarize::{ByteRange, Nearest, Summary};

/// The result: a function of the summary, its style, the job's id and the model's digest alone.
pub(super) fn of(model: Digest, (mode, style): (Mode, Style), JobId(id): JobId, summary: Summary) -> SummaryResult {
    let pieces = summary.sentences.iter().map(|sentence| Piece { text: &sentence.text, cut: sentence.cut });
    let text = style.render(pieces);
    let offsets = |range: ByteRange| (range.start as u64, range.end as u64);
    let sentences = summary.sentences.into_iter().map(|sentence| {
        let source = sentence.source.map(offsets);
        let grounding = sentence.grounding.map(|grounding| {
            let source = |nearest: &Nearest| {
                let (start, end) = offsets(nearest.source);
                Source { start, end, score: nearest.score_permille.into() }
            };
            let sources: Vec<Source> = grounding.nearest.iter().map(source).collect();
            let support = sources.first().map_or(0, |nearest| nearest.score);
            let unsupported = [grounding.unsupported_names, grounding.unsupported_numbers].concat();
            Grounding { support, sources, unsupported }
        });
        Sentence { text: sentence.text, start: source.map(|s| s.0), end: source.map(|s| s.1), grounding }
    });
    let (input_tokens, tokens_read) = (summary.input_tokens, summary.tokens_read);
    SummaryResult {
        id,
        mode,
        summary: text,
        sentences: sentences.collect(),
        coverage: Coverage { input_tokens, tokens_read, chunks: summary.chunks, complete: tokens_read == input_tokens },
        usage: Usage { input_tokens, output_tokens: summary.output_tokens },
        verbatim: summary.verbatim,
        model,
    }
}
