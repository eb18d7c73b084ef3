//! SentencePiece BPE, which GGUF files call `llama` (Phi-3): letters are merged to pieces, the piece with the best
//! score first; a letter without a piece becomes its bytes (Kudo and Richardson 2018, `--model_type=bpe --byte_fallback`).
//!
//! A space is the letter `\u{2581}`. None is added in front: every text follows a control token.

use tokenizers::Tokenizer;
use tokenizers::decoders::DecoderWrapper;
use tokenizers::decoders::byte_fallback::ByteFallback;
use tokenizers::decoders::fuse::Fuse;
use tokenizers::decoders::sequence::Sequence;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::replace::Replace;

use super::kinds::{BYTE, NORMAL, USER_DEFINED};
use crate::error::LoadError;
use crate::gguf::Gguf;

/// Longest piece that text is encoded to.
const MAX_PIECE_BYTES: usize = 256;
const SPACE: &str = "\u{2581}";

/// The tokenizer that the metadata describes, without its control tokens.
pub(super) fn build(gguf: &Gguf<'_>) -> Result<Tokenizer, LoadError> {
    let tokens = gguf.strings("tokenizer.ggml.tokens")?;
    let types = gguf.integers("tokenizer.ggml.token_type")?;
    let scores = gguf.floats("tokenizer.ggml.scores")?;
    if scores.len() != tokens.len() {
        return Err(gguf.unusable("tokens and their scores differ in number"));
    }
    let (mut pieces, mut bytes) = (Vocab::default(), Vocab::default());
    for (id, (token, kind)) in (0u32..).zip(tokens.iter().zip(types)) {
        if is_piece(token, *kind) {
            pieces.insert(token.clone(), id);
        } else if *kind == BYTE && is_byte(token) {
            bytes.insert(token.clone(), id);
        }
    }
    // Without them letters that no piece has would go missing.
    if bytes.len() != 256 {
        return Err(gguf.unusable("it lacks a token for some byte"));
    }
    // What a text is searched for first is merged first.
    let rank = |(kind, score): (&i32, &f32)| if *kind == USER_DEFINED { f32::INFINITY } else { *score };
    let merges = merges(&pieces, &types.iter().zip(scores).map(rank).collect::<Vec<_>>());
    pieces.extend(bytes);
    // No cache of words: it would keep words of one caller's document in memory for the next.
    let bpe = BPE::builder().vocab_and_merges(pieces, merges).byte_fallback(true).cache_capacity(0);
    let mut tokenizer = Tokenizer::new(bpe.build().map_err(|error| gguf.unusable(error))?);
    let replace = |this: &str, that: &str| Replace::new(this, that).map_err(|error| gguf.unusable(error));
    tokenizer.with_normalizer(Some(replace(" ", SPACE)?)).map_err(|error| gguf.unusable(error))?;
    let decoders: [DecoderWrapper; 3] =
        [replace(SPACE, " ")?.into(), ByteFallback::default().into(), Fuse::default().into()];
    tokenizer.with_decoder(Some(Sequence::new(decoders.to_vec())));
    Ok(tokenizer)
}

/// Checks whether text is encoded to a token: a piece, or a run of white space that is searched for first. Other tokens of
/// that kind stand for markup of the model's own.
fn is_piece(token: &str, kind: i32) -> bool {
    let is_space = |letter: char| letter.is_whitespace() || SPACE.contains(letter);
    match kind {
        // Each way to part a piece is looked up: one as long as a book would take for ever.
        _ if token.is_empty() || token.len() > MAX_PIECE_BYTES => false,
        NORMAL => true,
        USER_DEFINED => token.chars().all(is_space),
        _ => false,
    }
}

/// Checks whether a token is written as a byte is, `<0x0A>`.
fn is_byte(token: &str) -> bool {
    let digits = token.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
    let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
    byte.is_some_and(|byte| format!("<0x{byte:02X}>") == token)
}

/// Every way to put a piece together from two, the best pieces first.
fn merges(pieces: &Vocab, scores: &[f32]) -> Vec<(String, String)> {
    let mut ranked = Vec::new();
    for (piece, id) in pieces {
        let score = scores.get(*id as usize).copied().unwrap_or(f32::MIN);
        let halves = piece.char_indices().skip(1).map(|(at, _)| piece.split_at(at));
        let halves = halves.filter(|(left, right)| pieces.contains_key(*left) && pieces.contains_key(*right));
        ranked.extend(halves.map(|(left, right)| (score, *id, left, right)));
    }
    // Scores are distinct but for runs of white space, of which the one with the longest left half goes first.
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.2.len().cmp(&a.2.len())).then(a.1.cmp(&b.1)));
    ranked.into_iter().map(|(.., left, right)| (left.to_owned(), right.to_owned())).collect()
}
