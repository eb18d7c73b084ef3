//! Sentences about a document, and the defects that are seen in them.

use super::*;
use crate::summary::{ByteRange, Grounding};

const DOCUMENT: [&str; 8] = [
    "The council voted on Monday to close the swimming pool in Bridge Street.",
    "The old pool cannot be repaired, because its roof would cost 300,000 pounds.",
    "A new pool with eight lanes will be built beside the station by 2028.",
    "It will cost 21 million pounds, of which the region pays a third.",
    "No dividend will be paid for the year.",
    "Ask your doctor before you take the tablets if you are pregnant.",
    "The clubs may train in the neighbouring towns until then.",
    "The mayor, Ines Carvalho, refused to pay for private lessons.",
];

fn checker() -> Checker {
    let text = DOCUMENT.join(" ");
    let mut start = 0;
    let ranges = DOCUMENT.map(|sentence| {
        let range = ByteRange::new(start, start + sentence.len());
        start = range.end + 1;
        range
    });
    Checker::new(&text, &ranges, Language::of(&text))
}

fn fault(sentence: &str) -> Option<Fault> {
    let checker = checker();
    let grounding = Grounding { nearest: Vec::new(), unsupported_names: Vec::new(), unsupported_numbers: Vec::new() };
    checker.fault(sentence, &Measured { grounding, cosines: vec![0.5; DOCUMENT.len()] })
}

#[test]
fn what_the_document_says_in_other_words_passes() {
    for sentence in [
        "The council closes the swimming pool in Bridge Street.",
        "The old pool cannot be repaired since the roof would cost 300,000 pounds.",
        "The new pool beside the station will have eight lanes.",
        "The new pool will cost 21 million pounds, and the region pays a third.",
        "There will be no dividend for the year.",
        "The clubs may train in neighbouring towns.",
        "Pregnant patients should ask their doctor before taking the tablets.",
        "The mayor would not pay for private lessons.",
    ] {
        assert_eq!(fault(sentence), None, "{sentence}");
    }
}

#[test]
fn a_statement_of_what_is_denied_and_a_denial_of_what_is_said_are_seen() {
    for sentence in [
        "A dividend will be paid for the year.",
        "The old pool will be repaired, and its roof would cost 300,000 pounds.",
        "The new pool will not be built beside the station by 2028.",
        "The tablets must not be taken by pregnant patients.",
    ] {
        assert_eq!(fault(sentence), Some(Fault::Polarity), "{sentence}");
    }
}

#[test]
fn words_that_only_begin_as_a_refusal_does_refuse_nothing() {
    let text =
        "The bank in Denmark will not pay a dividend this year. The lesson for freedom of missions was learnt in 2020.";
    let ranges = [ByteRange::new(0, 54), ByteRange::new(55, text.len())];
    let checker = Checker::new(text, &ranges, Language::of(text));
    let grounding = Grounding { nearest: Vec::new(), unsupported_names: Vec::new(), unsupported_numbers: Vec::new() };
    let measured = Measured { grounding, cosines: vec![0.5; 2] };
    assert_eq!(checker.fault("The bank in Denmark will pay a dividend this year.", &measured), Some(Fault::Polarity));
    assert_eq!(checker.fault("The bank will not pay a dividend this year.", &measured), None);
}

#[test]
fn a_name_inside_of_a_word_is_no_name() {
    let text = "The woman spoke of quality in Austria, and the council listened to her for an hour.";
    let checker = Checker::new(text, &[ByteRange::new(0, text.len())], Language::of(text));
    for (sentence, name) in
        [("Australia spoke of quality.", "Australia"), ("The council of Oman listened for an hour.", "Oman")]
    {
        let unsupported_names = vec![name.to_owned()];
        let grounding = Grounding { nearest: Vec::new(), unsupported_names, unsupported_numbers: Vec::new() };
        let measured = Measured { grounding, cosines: vec![0.5] };
        assert_eq!(checker.fault(sentence, &measured), Some(Fault::Unsupported), "{sentence}");
    }
}

#[test]
fn a_rise_of_what_fell_is_seen() {
    let text =
        "Revenue rose by 4 per cent to 412 million. Operating profit fell to 31 million after higher steel bills.";
    let ranges = [ByteRange::new(0, 43), ByteRange::new(43, text.len())];
    let checker = Checker::new(text, &ranges, Language::of(text));
    let grounding = Grounding { nearest: Vec::new(), unsupported_names: Vec::new(), unsupported_numbers: Vec::new() };
    let measured = Measured { grounding, cosines: vec![0.5; 2] };
    assert_eq!(checker.fault("Revenue grew to 412 million.", &measured), None);
    assert_eq!(checker.fault("Revenue fell by 4 per cent to 412 million.", &measured), Some(Fault::Direction));
}

#[test]
fn words_and_numbers_of_elsewhere_are_seen() {
    assert_eq!(fault("Glaciers carried granite boulders across the northern valleys."), Some(Fault::Elsewhere));
    assert_eq!(fault("The tablets for pregnant patients cost 300,000 pounds."), Some(Fault::Elsewhere));
}

#[test]
fn another_language_and_torn_sentences_are_seen() {
    assert_eq!(
        fault("Der Gemeinderat hat am Montag beschlossen, das alte Schwimmbad zu schließen."),
        Some(Fault::Language)
    );
    assert_eq!(fault("The council voted on Monday to"), Some(Fault::Form));
}

#[test]
fn a_number_or_name_that_the_document_lacks_is_a_fault() {
    let checker = checker();
    let source = ByteRange::new(0, 1);
    let nearest = vec![crate::summary::Nearest { source, score_permille: 900 }];
    let grounding = Grounding { nearest, unsupported_names: vec!["Oslo".into()], unsupported_numbers: Vec::new() };
    let measured = Measured { grounding, cosines: vec![0.5; DOCUMENT.len()] };
    assert_eq!(
        checker.fault("The council of Oslo voted to close the swimming pool.", &measured),
        Some(Fault::Unsupported)
    );
}

#[test]
fn a_name_on_both_sides_of_a_statement_is_a_defect() {
    assert_eq!(fault("Ines Carvalho refused to pay Ines Carvalho for private lessons."), Some(Fault::Elsewhere));
    assert_eq!(fault("The mayor, Ines Carvalho, refused to pay for private lessons."), None);
}
