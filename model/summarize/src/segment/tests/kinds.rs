//! Documents of many kinds, in miniature.

use super::super::*;

/// Quotes of running text.
fn running(text: &str) -> Vec<&str> {
    let segments = segment(text);
    segments.iter().filter(|s| s.kind.is_running()).map(|s| s.quote.of(text).unwrap()).collect()
}

#[test]
fn abbreviations_with_blanks_end_no_sentence() {
    for whole in [
        "Er legte z. B. Kontoauszüge vor, d. h. alle.",
        "Das Urteil und die Strafe stehen am 3. Dezember im 2. Saal fest.",
        "Die Fa. Röder verlangt u. a. 12.500 Euro, vgl. Nr. 18.",
        "El Sr. Pardo vive en la Avda. Mayor, p. ej. en el nº 3.",
        "M. Girard a vu Mme Leroux, p. ex. hier.",
        "Nous prenons le petit stand, c.-à-d. 12 m², pour 4 100 euros.",
        "Il dott. Bassi abita al n. 3.",
        "Dyrektor mgr inż. Nowak mieszka przy ul. Ogrodowej, tzn. w centrum.",
        "По словам А. П. Левина, ремонт обойдётся в 240 млн руб., т. е. почти в треть бюджета.",
        "The meeting, incl. Mr. P. Mazur and Dr. A. Osei, took place on p. 3 of the plan.",
    ] {
        assert_eq!(running(whole), [whole]);
    }
    assert_eq!(running("Es waren ca. 600 Mio. Euro. Die Frau schwieg.").len(), 2);
    assert_eq!(running("Мост построен в 1958 г. Он закрыт.").len(), 2);
}

#[test]
fn lowercase_and_unspaced_sentences_are_split() {
    let lower = "the council voted on monday, e.g. about the pool. the pool loses 300 pounds a day. it will be rebuilt by 2028. nobody liked that.";
    assert_eq!(running(lower).len(), 4);
    let tight = "The council closed the pool.It will be rebuilt by 2028.Nobody liked www.Example.Com or Mr.Smith.";
    assert_eq!(
        running(tight),
        ["The council closed the pool.", "It will be rebuilt by 2028.", "Nobody liked www.Example.Com or Mr.Smith."]
    );
    assert_eq!(running("It calls System.Out.println often. Then it uses java.Lang.ref twice. That is all.").len(), 3);
}

#[test]
fn the_times_of_subtitles_are_no_text_and_sentences_go_on_behind_them() {
    let text = "1\n00:00:01,000 --> 00:00:04,200\nYou have two choices: remove the queen,\n\n2\n00:00:04,300 --> 00:00:08,900\nor cut out all cells. I recommend\nthe first.\n";
    assert_eq!(
        running(text),
        ["You have two choices: remove the queen,", "or cut out all cells.", "I recommend\nthe first."]
    );
    let resumes: Vec<bool> = segment(text).iter().filter(|s| s.kind.is_running()).map(|s| s.resumes).collect();
    assert_eq!(resumes, [false, true, false]);
}

#[test]
fn lines_that_the_program_of_a_chat_writes_are_no_messages() {
    let line = |minute: usize, said: &str| format!("12/05/2026, 18:{minute:02} - {said}\n");
    let said = [
        "Messages are end-to-end encrypted.",
        "Priya: the roofer came by",
        "Tom: what does he say",
        "Priya: it is rotten",
    ];
    let text: String = said.iter().enumerate().map(|(minute, said)| line(minute, said)).collect();
    assert_eq!(running(&text), said[1..]);
    let nameless: String =
        ["It rains.", "It snows.", "It thaws."].iter().enumerate().map(|(n, said)| line(n, said)).collect();
    assert_eq!(running(&nameless), ["It rains.", "It snows.", "It thaws."]);
}

#[test]
fn the_frame_of_a_mail_is_no_text() {
    let text = "From: Dana <dana@a.example>\nTo: Ops\nDate: Thu, 12 Mar 2026 16:48:11 +0000\nSubject: RE: Cold store\n\nHi both,\n\nWe pay the damage ourselves. Send the letter today.\n\nBest regards,\nDana\n\nDana Whitlock | Head of Operations\nT +44 1482 555 0134\nThis message is confidential and intended only for the named recipient.\n\n> On Wednesday, 11 March 2026, Imran wrote:\n>> The compressor tripped at 23:17 and\n>> nobody noticed.\n>>\n>> Imran\n";
    assert_eq!(
        running(text),
        [
            "We pay the damage ourselves.",
            "Send the letter today.",
            "The compressor tripped at 23:17 and\n>> nobody noticed."
        ]
    );
    let depths: Vec<usize> = segment(text).iter().filter(|s| s.kind.is_running()).map(|s| s.depth).collect();
    assert_eq!(depths, [0, 0, 2]);
    let subject = segment(text).into_iter().find(|s| s.kind == Kind::Heading).unwrap();
    assert_eq!(subject.quote.of(text).unwrap().trim(), "RE: Cold store");
}

#[test]
fn a_message_is_quoted_with_its_speaker_and_without_its_time() {
    let chat = "[12:03] Ana: when do we meet?\n[12:04] Bo: at five, at the gate\n12:05 - Ana joined\n[12:06] Ana: bring the key, the gate is locked since Monday";
    assert_eq!(
        running(chat),
        ["Ana: when do we meet?", "Bo: at five, at the gate", "Ana: bring the key, the gate is locked since Monday"]
    );
    assert_eq!(segment(chat)[1].lead, Some(0), "an answer goes with its question");
    let headed = "ana  9:02 AM\nthe backup failed again\n\nbo  9:05 AM\nplease run it by hand\ni am on a train\n\nana  9:06 AM\nrunning it now";
    assert_eq!(
        running(headed),
        ["the backup failed again", "please run it by hand", "i am on a train", "running it now"]
    );
}

#[test]
fn the_head_of_a_page_is_no_text_and_a_sentence_goes_on_behind_it() {
    let text = "REPORT OF THE BOARD          1\n\nIt met in May.\n\nThe chair was ill.\n\nNobody took notes.\n\nThe weather was fine.\n\nThe board has considered the application of the ferry company and\n\nREPORT OF THE BOARD          2\n\ngrants the licence. It ends in two years.\n";
    assert_eq!(
        running(text)[4..],
        [
            "The board has considered the application of the ferry company and",
            "grants the licence.",
            "It ends in two years."
        ]
    );
}

#[test]
fn what_frames_a_readme_is_no_text() {
    let text = "<p align=\"center\"><img src=\"a.png\"></p>\n\n[![Build](a.svg)](b) [![Licence](c.svg)](d)\n\n# Tool\n\nIt finds duplicates.\n\n- [Usage](#usage)\n- [Licence](#licence)\n\n<!-- say that it\nis the best -->\n\n## Usage\n\nRun it once a day.\n\n## License\n\nMIT. You may copy it.\n";
    assert_eq!(running(text), ["It finds duplicates.", "Run it once a day."]);
}

#[test]
fn a_table_of_contents_is_no_text_and_its_titles_are_headings() {
    let text = "What is in this leaflet\n1. What it is and what it is used for\n2. What you need to know before you take it\n3. How to store it\n\n1. What it is and what it is used for\n\nIt lowers the pressure.\n\n2. What you need to know before you take it\n\nIt makes you tired.\n\n3. How to store it\n\nKeep it dry.\n";
    assert_eq!(running(text), ["It lowers the pressure.", "It makes you tired.", "Keep it dry."]);
}

#[test]
fn entries_lead_back_to_their_stem_and_answers_to_their_question() {
    let text = "The tenant shall not\n\n(a) keep bees on the roof;\n(b) sublet the workshop.\n\n**How fast is it?** About nine pictures a second.\n\nWhy is it green?\n\nBecause of the copper in it.";
    let segments = segment(text);
    let lead = |quote: &str| {
        let at = segments.iter().position(|s| s.quote.of(text) == Some(quote)).unwrap();
        segments[at].lead.map(|lead| segments[lead].quote.of(text).unwrap())
    };
    assert_eq!(lead("About nine pictures a second."), Some("**How fast is it?**"));
    assert_eq!(lead("Because of the copper in it."), Some("Why is it green?"));
    let list = "Do not take it:\n- if you are allergic\n- if you are pregnant\n\nIt is a tablet.";
    let leads: Vec<Option<usize>> = segment(list).iter().map(|s| s.lead).collect();
    assert_eq!(leads, [None, Some(0), Some(0), None]);
}

#[test]
fn speech_without_marks_is_cut_and_says_so() {
    let text = "so this is what we do now and then you take the water from the barrel and you pour it over the stones "
        .repeat(8);
    let segments = segment(text.trim());
    assert!(segments.len() >= 6);
    assert_eq!((segments[0].cut, segments[1].cut), ((false, true), (true, true)));
    assert_eq!(segments.last().unwrap().cut, (true, false));
}
