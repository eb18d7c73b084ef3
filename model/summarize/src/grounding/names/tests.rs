use super::Words;

/// Stands for the vocabulary of a tokenizer.
const ORDINARY: &[&str] = &[
    "the",
    "a",
    "researchers",
    "they",
    "in",
    "this",
    "it",
    "results",
    "overall",
    "us",
    "who",
    "engineers",
    "study",
    "method",
    "both",
    "while",
    "on",
    "after",
    "at",
    "city",
    "is",
    "as",
    "aids",
    "he",
    "brown",
    "shell",
    "evidence",
    "growth",
    "critics",
    "scientists",
    "water",
    "network",
    "nobody",
    "police",
    "based",
    "given",
    "young",
    "there",
    "that",
    "several",
    "work",
    "inflation",
    "companies",
    "people",
    "we",
    "news",
    "i",
];

fn names(source: &str, sentence: &str) -> Vec<String> {
    Words::of(source).unsupported(sentence, |word| ORDINARY.contains(&word))
}

#[test]
fn invented_names_are_listed_and_the_source_s_are_not() {
    let source = "Alice's method beats BERT. It was made in New York by alice and bob.";
    assert!(names(source, "The method of Alice and Bob beats BERT in New York.").is_empty());
    assert_eq!(names(source, "The University of Oslo and John Smith agree."), ["University of Oslo", "John Smith"]);
    assert_eq!(names(source, "Researchers from New Jersey met Alice Jones."), ["New Jersey", "Alice Jones"]);
    assert_eq!(names(source, "Einstein's idea."), ["Einstein"]);
}

#[test]
fn a_name_of_known_words_that_never_stand_together_is_invented() {
    let source =
        "John Miller and Anne Smith work at the University of Bergen; the harbour of Oslo is larger. The council met.";
    for (sentence, expected) in [
        ("It was led by John Smith.", vec!["John Smith"]),
        ("It was led by Anne Miller.", vec!["Anne Miller"]),
        ("They teach at the University of Oslo.", vec!["University of Oslo"]),
        ("They teach at Bergen University.", vec![]),
        ("John Miller and Anne Smith teach.", vec![]),
        ("The Oslo Council agreed.", vec!["Oslo Council"]),
        ("The Norwegian Anne Smith teaches.", vec!["Norwegian Anne Smith"]),
    ] {
        assert_eq!(names(source, sentence), expected, "{sentence}");
    }
}

#[test]
fn a_name_may_lack_a_part_that_the_document_gives() {
    let source = "President Barack H. Obama spoke to Smith, John and to Ludwig van Beethoven of Bonn, Germany.";
    for sentence in [
        "He is Barack Obama.",
        "He is President Obama.",
        "He is B. Obama.",
        "He is B. H. Obama.",
        "He met John Smith.",
        "He met Ludwig van Beethoven.",
        "It was in Bonn, Germany.",
        "He met Obama's friend.",
    ] {
        assert!(names(source, sentence).is_empty(), "{sentence}: {:?}", names(source, sentence));
    }
}

#[test]
fn acronyms_keep_their_capitals_and_may_be_explained_by_the_sentence() {
    let source = "The U.S. and the graph convolutional networks (GCNs) told us who it is. NATO and Covid came.";
    for sentence in ["In the US it is so.", "A GCN is one.", "It is Nato.", "It is COVID."] {
        assert!(names(source, sentence).is_empty(), "{sentence}: {:?}", names(source, sentence));
    }
    assert_eq!(names(source, "They asked WHO about it."), ["WHO"]);
    assert_eq!(names(source, "They use LSTMs and BERT."), ["LSTMs", "BERT"]);
    let text = "a dual channel network and a question";
    assert!(names(text, "It has a dual channel network (DCN).").is_empty());
    assert_eq!(names(text, "It has a dual network (DCN)."), ["DCN"]);
}

#[test]
fn words_with_capitals_or_digits_inside_are_names() {
    let source = "GloVe and BiLSTM are compared with GPT-3 and T5 on H2O data. Section 4 has Q-GCN.";
    assert!(names(source, "The glove, BiLSTMs, GPT-3, T5, Q-GCN and H2O.").is_empty());
    assert_eq!(names(source, "They use iPhone, GPT-4, T6, ResNet."), ["iPhone", "GPT-4", "T6", "ResNet"]);
}

#[test]
fn the_start_of_a_sentence_counts_when_the_word_is_no_ordinary_one() {
    let source = "A text about a river.";
    for sentence in [
        "The river.",
        "However, it is.",
        "Additionally, researchers say it.",
        "Preprocessing is simple.",
        "\"Engineers said.\"",
    ] {
        assert!(names(source, sentence).is_empty(), "{sentence}: {:?}", names(source, sentence));
    }
    for (sentence, expected) in [
        ("Oslo is there.", "Oslo"),
        ("It says: Bergen is there.", "Bergen"),
        ("\"Oslo\" is there.", "Oslo"),
        ("The river Glomma.", "Glomma"),
        ("Dr. Smith is there.", "Dr. Smith"),
        ("J. Smith is there.", "J. Smith"),
        ("In May it is.", "May"),
    ] {
        assert_eq!(names(source, sentence), [expected], "{sentence}");
    }
}

#[test]
fn spelling_variants_of_a_name_are_the_same_name() {
    let source = "In São Paulo, Müller's convolu- tional Networks co-operate with state-of-the-art SQuAD-v2.";
    for sentence in [
        "In Sao Paulo it is.",
        "It is by Muller.",
        "A Convolutional Network.",
        "It is Cooperate.",
        "The State-of-the-Art is it.",
        "On SQuAD v2 it is.",
        "PAULO is a city.",
        "It is on S-QuAD.",
    ] {
        assert!(names(source, sentence).is_empty(), "{sentence}: {:?}", names(source, sentence));
    }
}

#[test]
fn names_of_other_alphabets_count_and_scripts_without_case_do_not() {
    assert_eq!(names("Это не город на реке.", "Это город Вологда."), ["Вологда"]);
    assert_eq!(names("Η πόλη.", "Η πόλη Αθήνα."), ["Αθήνα"]);
    assert!(names("東京は大きい。", "京都は小さい。").is_empty());
}

#[test]
fn a_headline_is_not_a_list_of_names() {
    assert_eq!(names("A river.", "The City On The Glomma Is Old"), ["Glomma", "Old"]);
}

#[test]
fn parts_of_two_names_are_no_third_name() {
    let lists = [
        ("Mary Jones, Peter Brown and Lena Schmidt came.", "It was Peter Jones."),
        ("John Miller\nAnne Smith", "It was John Smith."),
        ("John Miller & Anne Smith", "It was John Smith."),
        ("It was John Miller. Anne Smith left.", "It was Anne Miller."),
        ("John Miller, Anne Smith", "It was J. Smith."),
        ("Mary Jones (Peter Brown)", "It was Peter Jones."),
        ("- Mary Jones\n- Peter Brown", "It was Peter Jones."),
    ];
    for (source, sentence) in lists {
        assert_eq!(names(source, sentence).len(), 1, "{source}: {sentence}");
    }
    for (source, sentence) in [
        ("Jones, Peter; Brown, Lena", "It was Peter Jones, with Lena Brown and P. Jones."),
        ("Surname,Given\nJones,Peter\n", "It was Peter Jones."),
        (
            "Angela Merkel, Chancellor of Germany, met Ann Lee, CEO of Acme, Inc.",
            "It was Chancellor Merkel, CEO Lee, Acme Inc.",
        ),
        ("They met the president of the country in the city of New\nYork in May.", "It was New York."),
        (
            "He met J. R. Smith, Dr. Lee, Lt. Col. Grey and U.S. President Bush.",
            "It was J. R. Smith, Dr. Lee, Lt. Col. Grey and US President Bush.",
        ),
        ("John “Jack” Kennedy", "It was John Kennedy."),
        ("It was Jean-\nClaude Juncker.", "It was Jean-Claude Juncker."),
    ] {
        assert!(names(source, sentence).is_empty(), "{sentence}: {:?}", names(source, sentence));
    }
}

#[test]
fn an_ordinary_word_at_the_start_is_a_name_if_it_acts_as_one_and_the_document_does_not_have_it() {
    let source = "A text about a river that a company left.";
    for (sentence, expected) in [
        ("Brown resigned.", "Brown"),
        ("Shell closed the plant.", "Shell"),
        ("Shell is large.", "Shell"),
        ("Brown, who left, is here.", "Brown"),
        ("Shell’s profits fell.", "Shell"),
    ] {
        assert_eq!(names(source, sentence), [expected], "{sentence}");
    }
    for sentence in [
        "However, it was so.",
        "Researchers found it.",
        "Results showed it.",
        "Scientists have said it.",
        "Evidence suggested it.",
        "Growth slowed.",
        "Water is there.",
        "Critics said it.",
        "Nobody was there.",
        "Police arrested them.",
        "Based on it, they left.",
        "Given that, they left.",
        "Young people left.",
        "There was one.",
        "That's it.",
        "Several were there.",
        "Work began.",
        "Inflation rose.",
        "Companies said it.",
        "People said it.",
        "News was good.",
        "Overall, it is.",
    ] {
        assert!(names(source, sentence).is_empty(), "{sentence}: {:?}", names(source, sentence));
    }
    for (source, sentence) in [("A brown bear.", "Brown resigned."), ("The shells of SHELL", "Shell closed it.")] {
        assert!(names(source, sentence).is_empty(), "{sentence}");
    }
}

#[test]
fn a_surname_that_looks_like_a_plural_is_another_name() {
    for (source, sentence, expected) in [
        ("Adam Smith left.", "It was Adams.", "Adams"),
        ("William and Robert left.", "It was Roberts.", "Roberts"),
        ("William Smith left.", "Williams left.", "Williams"),
    ] {
        assert_eq!(names(source, sentence), [expected], "{sentence}");
    }
    for (source, sentence) in [
        ("Adam and Adams left.", "It was Adams."),
        ("An American, a GCN, a BiLSTM", "It has Americans, GCNs and BiLSTMs."),
        ("The Convolutional Network and a Tesla", "In Networks and the Teslas."),
        ("A Democrat and a Catholic", "It was Democrats and Catholics."),
        ("Adam's idea.", "It was Adam’s."),
    ] {
        assert!(names(source, sentence).is_empty(), "{sentence}: {:?}", names(source, sentence));
    }
}

#[test]
fn months_are_read_in_short_forms_and_dates() {
    for source in
        ["25 Nov. 2025", "Nov 25", "2025-11-25", "2025-11-25T14:30", "25.11.2025", "11/25/2025", "11/25/25", "NOVEMBER"]
    {
        assert!(names(source, "It was in November and in Nov. 2025.").is_empty(), "{source}");
        assert_eq!(names(source, "It was in October."), ["October"], "{source}");
    }
    for source in ["Jan Smith", "2025-13-11", "version 1.11.2", "the 11"] {
        assert_eq!(names(source, "It was in January, in November."), ["January", "November"], "{source}");
    }
    assert!(names("Mon, 24 Nov 2025", "It was Monday.").is_empty());
}

#[test]
fn contractions_are_no_names() {
    for sentence in [
        "They're here.",
        "We’ve seen it.",
        "Isn't it?",
        "I've seen it.",
        "I'm here.",
        "Now I’d go.",
        "DON'T: Don’t go.",
    ] {
        let found = names("A river, and now go; don't.", sentence);
        assert!(found.is_empty(), "{sentence}: {found:?}");
    }
    assert_eq!(names("A river.", "It was Oslo'll and O'Brien."), ["Oslo", "O'Brien"]);
}

#[test]
fn marks_and_short_titles_do_not_make_another_name() {
    for (source, sentence) in [
        ("Nguyễn Văn Thiệu", "It was Nguyen Van Thieu."),
        ("Nguyen", "It was Nguyễn."),
        ("Prof. Smith and General Grey", "It was Professor Smith and Gen. Grey."),
        ("Saint Louis and Mount Etna", "It was in St. Louis, on Mt. Etna."),
    ] {
        assert!(names(source, sentence).is_empty(), "{sentence}: {:?}", names(source, sentence));
    }
}
