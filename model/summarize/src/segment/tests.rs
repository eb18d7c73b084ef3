#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

mod kinds;

fn quotes(text: &str) -> Vec<&str> {
    segment(text).iter().map(|segment| segment.quote.of(text).unwrap()).collect()
}

#[test]
fn sentences_are_split_as_a_reader_would() {
    let table: &[(&str, &[&str])] = &[
        ("One. Two! Three? Four", &["One.", "Two!", "Three?", "Four"]),
        ("Dr. Smith met Mr. J. R. Jones. They spoke.", &["Dr. Smith met Mr. J. R. Jones.", "They spoke."]),
        ("It costs 3.50 dollars. Cheap.", &["It costs 3.50 dollars.", "Cheap."]),
        ("See Fig. 3 and Eq. (2). It works.", &["See Fig. 3 and Eq. (2).", "It works."]),
        ("Och et al. (2003) did. So did we.", &["Och et al. (2003) did.", "So did we."]),
        ("We use data, e.g. WMT, i.e. text. Good.", &["We use data, e.g. WMT, i.e. text.", "Good."]),
        (
            "The U.S. Government paid. Then it left the U.S. The end.",
            &["The U.S. Government paid.", "Then it left the U.S.", "The end."],
        ),
        ("\"Is it?\" he asked. \"Yes.\" She left.", &["\"Is it?\" he asked.", "\"Yes.\"", "She left."]),
        ("It ended.[12] Another began (so it did.) Fine.", &["It ended.[12]", "Another began (so it did.)", "Fine."]),
        ("Wait... what? No.", &["Wait... what?", "No."]),
        (
            "Ph.D. students etc. were there. The rest, etc. We left.",
            &["Ph.D. students etc. were there.", "The rest, etc.", "We left."],
        ),
        ("Visit example.com/a.b?c=1 now. Bye.", &["Visit example.com/a.b?c=1 now.", "Bye."]),
        ("今日は晴れ。明日は「雨。」らしい。", &["今日は晴れ。", "明日は「雨。」", "らしい。"]),
        ("यह एक है। यह दो है।", &["यह एक है।", "यह दो है।"]),
        ("هل هذا جيد؟ نعم.", &["هل هذا جيد؟", "نعم."]),
        ("Version 2.0. It is new.", &["Version 2.0.", "It is new."]),
        (
            "Call at 5 p.m. We wait. On Jan. 5 it was 3 a.m. Monday.",
            &["Call at 5 p.m.", "We wait.", "On Jan. 5 it was 3 a.m. Monday."],
        ),
    ];
    for (text, expected) in table {
        assert_eq!(quotes(text), *expected, "{text}");
    }
}

#[test]
fn wrapped_lines_are_joined_and_short_lines_are_not() {
    let wrapped = "This is a line of text that was wrapped by an editor at a\nmargin. The Second sentence also goes on over the end of its\nLine here. End.";
    assert_eq!(quotes(wrapped).len(), 3);
    let address = "Alice Example\nExample Street 5\nBerlin";
    assert_eq!(quotes(address), ["Alice Example", "Example Street 5", "Berlin"]);
    assert_eq!(quotes("A line that ends,\r\nand goes on.\r\n\r\nNew."), ["A line that ends,\r\nand goes on.", "New."]);
}

#[test]
fn headings_lists_and_scraps_are_told_apart() {
    let text = "# Title\n\n1. Introduction\n\nSome prose stands here. More of it.\n\n- first entry, which is long\n* second entry\n(a) third entry\n2) A numbered entry that has a whole sentence in it.\n\n---\n\n| a | b |\n\n42\n\nMethods and Data\n\nLast sentence.";
    let segments = segment(text);
    let found: Vec<_> = segments.iter().map(|s| (s.quote.of(text).unwrap(), s.kind)).collect();
    assert_eq!(
        found,
        [
            ("Title", Kind::Heading),
            ("Introduction", Kind::Heading),
            ("Some prose stands here.", Kind::Prose),
            ("More of it.", Kind::Prose),
            ("first entry, which is long", Kind::Item),
            ("second entry", Kind::Item),
            ("third entry", Kind::Item),
            ("A numbered entry that has a whole sentence in it.", Kind::Item),
            ("---", Kind::Scrap),
            ("| a | b |", Kind::Scrap),
            ("42", Kind::Scrap),
            ("Methods and Data", Kind::Heading),
            ("Last sentence.", Kind::Prose),
        ]
    );
}

#[test]
fn an_enormous_sentence_is_split_at_white_space_in_linear_time() {
    let text = "word ".repeat(200_000);
    let segments = segment(&text);
    assert!(
        segments.iter().all(|s| s.range.len() <= MAX_SEGMENT_BYTES && !s.quote.of(&text).unwrap().ends_with("wor"))
    );
    assert_eq!(segments.iter().map(|s| s.range.of(&text).unwrap().matches("word").count()).sum::<usize>(), 200_000);
    let solid = "ß".repeat(100_000);
    assert_eq!(segment(&solid).iter().map(|s| s.range.len()).sum::<usize>(), solid.len());
    assert_eq!(segment(&"!".repeat(1_000_000)).iter().map(|s| s.range.len()).sum::<usize>(), 1_000_000);
    assert_eq!(segment(&"A b.\n".repeat(100_000)).len(), 100_000);
}

#[test]
fn hostile_shapes_are_split_in_linear_time() {
    for shape in [
        "Regards,\n",
        "a.B",
        "ab.Cd!Ef",
        "- a:\n",
        "[x](",
        "[",
        "Why? ",
        "A: b?\n",
        "> a\n>> b\n",
        "<!--\n",
        "--- a ---\n",
        "a  9:02 AM\n",
        "1\n",
        "a, ",
        "，",
        "so i ",
        "From: a@b.example\nTo: c\n\n",
        "Page 1\n\n",
        "(a) b;\n",
        "**",
        "00:00:01,000 --> 00:00:02,000\na\n\n",
        "\t|",
        "z. B. ",
        "ก ",
        "1. a\n\n",
        ". . . . 1\n",
    ] {
        check(&shape.repeat(200_000 / shape.len()));
    }
}

#[test]
fn texts_without_sentences_are_refused_with_a_reason() {
    let reason = |text: &str| require_sentences(text).unwrap_err();
    assert_eq!(reason(" \n\t"), Error::NotSummarizable(Reason::Empty));
    assert_eq!(reason("1234 5678 !!! --- \u{0}\u{1}"), Error::NotSummarizable(Reason::NoLetters));
    assert_eq!(reason("x 1 2 3"), Error::NotSummarizable(Reason::NoSentences));
    assert!(require_sentences("Two words").is_ok());
    assert!(require_sentences("日本").is_ok());
}

#[test]
fn hard_cases_are_split_as_a_reader_would() {
    let table: &[(&str, &[&str])] = &[
        ("It has (1) one; (2) two; and (3) three. Done.", &["It has (1) one; (2) two; and (3) three.", "Done."]),
        ("Am 3. Oktober war es so weit. Danach nicht.", &["Am 3. Oktober war es so weit.", "Danach nicht."]),
        ("Er kam bzw. Sie kam. „Gut.“ Ende.", &["Er kam bzw. Sie kam.", "„Gut.“", "Ende."]),
        ("See Sec. 4.2 and Nos. 3-5. The rest waits.", &["See Sec. 4.2 and Nos. 3-5.", "The rest waits."]),
        ("A note ends.¹² Another starts.", &["A note ends.¹²", "Another starts."]),
        ("It rose 0.5% to $1.2 bn. Shares fell.", &["It rose 0.5% to $1.2 bn.", "Shares fell."]),
        (
            "Read https://example.com/a.html?x=1.5. Then write.",
            &["Read https://example.com/a.html?x=1.5.", "Then write."],
        ),
        ("J. R. R. Tolkien wrote it. A. Nother did not.", &["J. R. R. Tolkien wrote it.", "A. Nother did not."]),
        ("He said: \"Stop. Now!\" Then he left.", &["He said: \"Stop.", "Now!\"", "Then he left."]),
        ("هذه جملة.\u{200f} وهذه أخرى.", &["هذه جملة.\u{200f}", "وهذه أخرى."]),
        ("値は３．５です。次。", &["値は３．５です。", "次。"]),
        ("这是第一句。“这是第二句！”第三句？", &["这是第一句。", "“这是第二句！”", "第三句？"]),
        ("བོད་ཡིག་གཅིག།བོད་ཡིག་གཉིས།", &["བོད་ཡིག་གཅིག།", "བོད་ཡིག་གཉིས།"]),
    ];
    for (text, expected) in table {
        assert_eq!(quotes(text), *expected, "{text}");
    }
}

#[test]
fn thai_is_split_at_spaces_where_it_would_not_end() {
    let clause = "ประเทศไทยมีประชากรมากกว่าหกสิบล้านคนและมีเมืองหลวงชื่อกรุงเทพมหานคร";
    let text = [clause; 6].join(" ");
    assert_eq!(quotes(&text).len(), 6);
    assert_eq!(quotes("สั้น มาก"), ["สั้น มาก"]);
}

#[test]
fn code_and_tables_are_scraps() {
    let text = "Prose stands here first.\n\n```rust\nlet total = sum(values). Every word.\n\nmore code here\n```\n\nProse again, at last.\n\n    let x = compute(y);\n\nName\tAge\tTown\nAlice Smith\t30\tBerlin\n\nRevenue in millions   120   130\n\n~~~\nThis fence is never closed.";
    let kinds: Vec<(&str, bool)> =
        segment(text).iter().map(|s| (s.quote.of(text).unwrap(), s.kind == Kind::Scrap)).collect();
    let prose: Vec<&str> = kinds.iter().filter(|(_, scrap)| !scrap).map(|(quote, _)| *quote).collect();
    assert_eq!(prose, ["Prose stands here first.", "Prose again, at last.", "This fence is never closed."]);
}

#[test]
fn quoted_mail_is_quoted_without_its_marks() {
    let text = "I agree.\n\n> The first quoted sentence is here. The second\n> one goes on over the line.\n> Third.\n>\n>> Deeper one.\n\nBye.";
    assert_eq!(
        quotes(text),
        [
            "I agree.",
            "The first quoted sentence is here.",
            "The second\n> one goes on over the line.",
            "Third.",
            ">",
            "Deeper one.",
            "Bye."
        ]
    );
}

#[test]
fn lines_longer_than_any_margin_are_paragraphs() {
    let long = "This line is a whole paragraph that no editor would have wrapped ".repeat(5);
    let text = format!("{long}and has no end\nThe next is another");
    assert_eq!(quotes(&text).len(), 2);
    let hyphenated =
        "A PDF breaks its lines wherever they reach the mar-\ngin of the page, and a word goes on be-\nhind it. Next.";
    assert_eq!(quotes(hyphenated).len(), 2);
    let sections = "IV. Results\n\nXII. Annex";
    assert_eq!(quotes(sections), ["Results", "Annex"]);
}

/// The guarantees of the module, for any text.
fn check(text: &str) {
    let segments = segment(text);
    let mut at = 0;
    for segment in &segments {
        let Segment { range, quote, .. } = *segment;
        assert!(range.start >= at && range.end > range.start, "order in {text:?}");
        assert!(text[at..range.start].chars().all(char::is_whitespace), "loss before {range:?} in {text:?}");
        let inside = range.of(text).unwrap();
        assert_eq!(inside.trim(), inside);
        assert!(range.len() <= MAX_SEGMENT_BYTES);
        assert!(quote.start >= range.start && quote.end <= range.end && quote.of(text).is_some());
        at = range.end;
    }
    assert!(text[at..].chars().all(char::is_whitespace), "loss at the end of {text:?}");
}

proptest! {
    #[test]
    fn segments_cover_any_text_without_loss(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn segments_cover_text_like_text(parts in proptest::collection::vec(
        prop_oneof![
            "[A-Za-z]{1,8}", Just(" ".to_owned()), Just(". ".to_owned()), Just("\n".to_owned()), Just("\r\n".to_owned()),
            Just("\n\n- ".to_owned()), Just("\n1. ".to_owned()), Just("\n# ".to_owned()), Just("。".to_owned()), Just("e.g. ".to_owned()),
            Just("?!\"".to_owned()), Just("[1] ".to_owned()), Just("\u{a0}".to_owned()), Just("é".to_owned()), Just("| x |\n".to_owned()),
            Just("(a) ".to_owned()), Just("…".to_owned()), Just("#".to_owned()), Just("(".to_owned()), Just("1.2.3".to_owned()),
            Just("\n```\n".to_owned()), Just("\n> ".to_owned()), Just(">".to_owned()), Just("\t".to_owned()), Just("    ".to_owned()),
            Just("\u{200f}".to_owned()), Just("ภาษา".to_owned()), Just("།".to_owned()), Just("IV. ".to_owned()), Just("~~~".to_owned()),
        ], 0..80)) {
        check(&parts.concat());
    }

    #[test]
    fn long_runs_are_cut_without_loss(unit in "\\PC{1,4}", times in 1000usize..4000) {
        check(&unit.repeat(times));
    }
}
