//! Both summarizers on their real weights, from outside. Without the files of `scripts/fetch-model` every test says
//! that it was skipped.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use crate::common::{directory, models};
use precis_summarize::{Control, Error, LoadError, Mode, Models, Options, Reason, Style, Summary, load};

const ARTICLE: &str = include_str!("article.txt");

fn summarize(models: &Models, mode: Mode, text: &str, options: &Options) -> Summary {
    match models.get(mode).summarize(text, options, &Control::new()) {
        Ok(summary) => summary,
        Err(error) => panic!("{error}"),
    }
}

fn refusal(models: &Models, mode: Mode, text: &str, control: &Control) -> Error {
    match models.get(mode).summarize(text, &Options::default(), control) {
        Ok(_) => panic!("a summary was made"),
        Err(error) => error,
    }
}

/// A text of about `words` words in which every sentence is different.
fn long_text(words: usize) -> String {
    let mut text = String::new();
    for section in 0.. {
        text.push_str(&format!("{section}. Section number {section}\n\n"));
        for sentence in 0..12 {
            text.push_str(&format!(
                "In season {section} the {sentence}th observer measured a river that carried {} tonnes of sand past town {}. ",
                section * 17 + sentence, section * 31 % 97 + sentence
            ));
        }
        text.push_str("\n\n");
        if text.split_whitespace().count() >= words {
            return text;
        }
    }
    text
}

#[test]
fn extracts_quote_the_text_verbatim_at_their_offsets_in_order() {
    let Some(models) = models() else { return };
    let five = Options { max_sentences: Some(5), ..Options::default() };
    let summary = summarize(models, Mode::Extractive, ARTICLE, &five);
    assert!(summary.verbatim);
    assert_eq!(summary.sentences.len(), 5);
    let mut at = 0;
    for sentence in &summary.sentences {
        let source = sentence.source.unwrap();
        assert!(source.of(ARTICLE) == Some(sentence.text.as_str()));
        assert!(source.start >= at);
        at = source.end;
    }
    assert_eq!(summary.tokens_read, summary.input_tokens);
    assert_eq!(Ok(summary.input_tokens), models.extractive.count_tokens(ARTICLE));
}

#[test]
fn an_extract_grows_with_its_document() {
    let Some(models) = models() else { return };
    let count =
        |text: &str| summarize(models, Mode::Extractive, text, &Options::default()).text.split_whitespace().count();
    // Texts about different things: what is said again is quoted once.
    let several = [
        "news.txt",
        "judgment.txt",
        "lease.txt",
        "interview.txt",
        "terms.md",
        "leaflet.txt",
        "quartal_de.md",
        "noticia_es.txt",
    ];
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/evaluation/texts");
    let texts: Vec<String> = several.iter().map(|name| std::fs::read_to_string(folder.join(name)).unwrap()).collect();
    let (short, long) = (count(&texts[0]), count(&texts.join("\n\n")));
    assert!((60..=120).contains(&short) && (130..=200).contains(&long), "{short} and {long} words");
}

#[test]
fn extracts_keep_to_the_caller_s_bounds() {
    let Some(models) = models() else { return };
    let options = Options { max_sentences: Some(20), max_words: Some(60), ..Options::default() };
    let summary = summarize(models, Mode::Extractive, ARTICLE, &options);
    assert!(summary.text.split_whitespace().count() <= 60 && !summary.sentences.is_empty());
    let one = Options { max_sentences: Some(0), ..Options::default() };
    assert_eq!(summarize(models, Mode::Extractive, ARTICLE, &one).sentences.len(), 1);
}

#[test]
fn a_focus_brings_the_sentence_about_it_into_the_extract() {
    let Some(models) = models() else { return };
    let options = Options { max_sentences: Some(2), focus: Some("money and costs".into()), ..Options::default() };
    let summary = summarize(models, Mode::Extractive, ARTICLE, &options);
    assert!(summary.text.contains("million"), "the only sentences about money");
}

const MINUTES: &str = "Minutes of the garden club. The weather was mild and most members came by bicycle. The beds along the wall look better \
than they did in spring, and the roses have been pruned. The club decided to buy a new pump for the well. Somebody brought a cake \
with plums. Ms Okafor must order the pump by 12 March 2027. The old shed still stands, and nobody knows who built it. Birds nest \
in the hedge again. The fee is due on 1 April 2027 at the latest. Everybody liked the cake, and the afternoon ended in the sun.";

#[test]
fn a_style_decides_what_is_chosen_and_leaves_the_sentences_as_they_are() {
    let Some(models) = models() else { return };
    // The smallest model may write nothing that stands up to the checks.
    let attempt = |mode, text: &str, options: Options| match models.get(mode).summarize(text, &options, &Control::new())
    {
        Ok(summary) => Some(summary),
        Err(Error::NotSummarizable(Reason::NoSummary)) if mode == Mode::Abstractive => None,
        Err(error) => panic!("{error}"),
    };
    let styled = |mode, text: &str, style| attempt(mode, text, Options { style, ..Options::default() });
    for mode in [Mode::Extractive, Mode::Abstractive] {
        let plain = styled(mode, MINUTES, Style::Paragraph);
        assert!(plain == styled(mode, MINUTES, Style::Bullets), "bullets are the same sentences");
        let short = styled(mode, ARTICLE, Style::Tldr);
        if let Some(short) = &short {
            assert!((1..=2).contains(&short.sentences.len()), "{}", short.text);
            assert!(short.text.split_whitespace().count() <= 40, "{}", short.text);
        }
        let longer = Options { style: Style::Tldr, max_words: Some(70), ..Options::default() };
        let longer = attempt(mode, ARTICLE, longer);
        assert!(longer.is_none_or(|longer| (1..=70).contains(&longer.text.split_whitespace().count())));
        for summary in [plain, short, styled(mode, MINUTES, Style::Decisions)].into_iter().flatten() {
            let words = |text: &str| text.replace('…', "").split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let sentences: Vec<&str> = summary.sentences.iter().map(|sentence| sentence.text.as_str()).collect();
            assert_eq!(words(&summary.text), words(&sentences.join(" ")));
        }
    }
}

#[test]
fn decisions_are_quoted_alone_and_a_document_without_any_is_summarized_as_usual() {
    let Some(models) = models() else { return };
    let styled =
        |text: &str, style| summarize(models, Mode::Extractive, text, &Options { style, ..Options::default() });
    let decisions = styled(MINUTES, Style::Decisions);
    let quoted: Vec<&str> = decisions.sentences.iter().map(|sentence| sentence.text.as_str()).collect();
    let expected = [
        "The club decided to buy a new pump for the well.",
        "Ms Okafor must order the pump by 12 March 2027.",
        "The fee is due on 1 April 2027 at the latest.",
    ];
    assert_eq!(quoted, expected);
    let idle = "The gulls came back to the harbour. They sat on the roofs and cried until the evening. Nobody minded the noise, for it \
        belongs to the town. Children threw bread from the quay. An old man painted the boats, as he does in every summer.";
    assert!(styled(idle, Style::Decisions) == styled(idle, Style::Paragraph), "the usual ranking stands");
}

#[test]
fn control_characters_and_markup_are_data() {
    let Some(models) = models() else { return };
    let text = "The first\u{0} sentence has a \u{1b}[31mcolour in it. [CLS] The second [SEP] sentence says <|im_end|> aloud. \u{202e}The third one runs backwards.";
    for mode in [Mode::Extractive, Mode::Abstractive] {
        let summary = summarize(models, mode, text, &Options::default());
        assert_eq!(summary.tokens_read, summary.input_tokens);
        assert!(!summary.text.is_empty());
    }
}

#[test]
fn a_long_document_is_read_whole_by_the_extractive_model() {
    let Some(models) = models() else { return };
    let text = long_text(10_000);
    let seen = Arc::new(AtomicU32::new(0));
    let watcher = Arc::clone(&seen);
    let control = Control::new().with_progress(move |done, total| {
        assert!(done <= total);
        watcher.store(done, Ordering::Relaxed);
    });
    let summary =
        models.extractive.summarize(&text, &Options::default(), &control).unwrap_or_else(|error| panic!("{error}"));
    assert!(summary.input_tokens > 10_000);
    assert_eq!(summary.tokens_read, summary.input_tokens);
    assert_eq!(seen.load(Ordering::Relaxed), summary.input_tokens);
}

#[test]
fn one_enormous_sentence_is_read_whole() {
    let Some(models) = models() else { return };
    let text = "and then another word ".repeat(1500);
    let summary = summarize(models, Mode::Extractive, &text, &Options::default());
    assert_eq!(summary.tokens_read, summary.input_tokens);
    assert!(
        summary.sentences.iter().all(|sentence| sentence.source.unwrap().of(&text) == Some(sentence.text.as_str()))
    );
}

#[test]
fn abstracts_are_the_same_bytes_twice_and_carry_grounding() {
    let Some(models) = models() else { return };
    let options = Options { max_sentences: Some(3), ..Options::default() };
    let first = summarize(models, Mode::Abstractive, ARTICLE, &options);
    let second = summarize(models, Mode::Abstractive, ARTICLE, &options);
    assert!(first == second, "greedy decoding gave two texts");
    assert!(!first.verbatim && first.chunks == 1);
    assert_eq!(first.tokens_read, first.input_tokens);
    assert_eq!(Ok(first.input_tokens), models.abstractive.count_tokens(ARTICLE));
    assert!((1..=3).contains(&first.sentences.len()));
    for sentence in &first.sentences {
        let Some(grounding) = &sentence.grounding else {
            assert_eq!(sentence.source.and_then(|source| source.of(ARTICLE)), Some(sentence.text.as_str()));
            continue;
        };
        assert!(grounding.nearest.iter().all(|near| near.source.of(ARTICLE).is_some_and(|quote| !quote.is_empty())));
        assert!(grounding.nearest.is_sorted_by_key(|near| std::cmp::Reverse(near.score_permille)));
        assert!(grounding.nearest[0].score_permille > 300, "nothing in the text supports a sentence");
    }
}

#[test]
fn of_a_long_text_every_token_is_looked_at() {
    let Some(models) = models() else { return };
    let text = [ARTICLE; 3].join("\n\n") + &long_text(800);
    let summary = summarize(models, Mode::Abstractive, &text, &Options::default());
    assert_eq!(summary.tokens_read, summary.input_tokens);
    assert!(summary.text.ends_with(['.', '!', '?', '…', '"']), "the summary ends inside a sentence");
}

#[test]
fn unsuitable_texts_are_refused_with_a_reason_before_any_work() {
    let Some(models) = models() else { return };
    for mode in [Mode::Extractive, Mode::Abstractive] {
        let model = models.get(mode);
        let refused = |text: &str| (refusal(models, mode, text, &Control::new()), model.admit(text).unwrap_err());
        for (text, reason) in [
            ("", Reason::Empty),
            (" \n ", Reason::Empty),
            ("12 + 3 = 15 !!!", Reason::NoLetters),
            ("x", Reason::NoSentences),
        ] {
            let expected = Error::NotSummarizable(reason);
            assert_eq!(refused(text), (expected.clone(), expected));
        }
        let limits = model.limits();
        let large = "a ".repeat(limits.max_document_bytes / 2 + 1);
        assert!(matches!(model.count_tokens(&large), Err(Error::TooLong { unit: "bytes", .. })));
        let many = "? a ".repeat(limits.max_document_tokens as usize);
        let many = &many[..limits.max_document_bytes.min(many.len())];
        assert!(matches!(refused(many).0, Error::TooLong { unit: "tokens", .. }));
    }
}

#[test]
fn cancellation_and_deadline_reach_the_inner_loop() {
    let Some(models) = models() else { return };
    for mode in [Mode::Extractive, Mode::Abstractive] {
        let control = Control::new();
        let canceller = control.canceller();
        // The first report comes from the middle of the work.
        let control = control.with_progress(move |_, _| canceller.cancel());
        assert_eq!(refusal(models, mode, &long_text(3_000), &control), Error::Cancelled);
        let late = Control::new().with_deadline(Instant::now());
        assert_eq!(refusal(models, mode, ARTICLE, &late), Error::Deadline);
    }
}

#[test]
fn parameters_are_stable_and_sorted_and_the_digests_differ() {
    let Some(models) = models() else { return };
    for mode in [Mode::Extractive, Mode::Abstractive] {
        let model = models.get(mode);
        assert_eq!(model.mode(), mode);
        assert_eq!(model.manifest().mode, mode);
        let parameters = model.parameters();
        assert_eq!(parameters.to_string(), model.parameters().to_string());
        let object = parameters.as_object().unwrap();
        assert!(object.keys().is_sorted() && object.values().all(|value| value.is_u64() || value.is_string()));
        assert!(model.predict(10_000) > model.predict(100));
    }
    assert_ne!(models.extractive.manifest().digest(), models.abstractive.manifest().digest());
}

#[test]
fn one_changed_bit_in_the_weights_is_refused_naming_the_file() {
    let Some(_) = models() else { return };
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(directory()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_string_lossy().starts_with("all-minilm") {
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
    }
    let victim = copy.path().join("all-minilm-l6-v2.safetensors");
    let mut bytes = std::fs::read(&victim).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&victim, bytes).unwrap();
    match load(copy.path()) {
        Err(LoadError::Digest { path, expected, found }) => {
            assert_eq!(path, victim);
            assert_ne!(expected, found);
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("changed weights were loaded"),
    }
}
