//! Words that deny, by language.

/// Words that deny in one language. Only whole words count.
pub(super) struct Cues {
    /// Words that turn a statement into its opposite.
    negations: &'static [&'static str],
    /// Beginnings of words that say no by themselves.
    refusals: &'static [&'static str],
    /// Beginnings of words for going up, and for going down.
    pub(super) ups: &'static [&'static str],
    pub(super) downs: &'static [&'static str],
}

impl Cues {
    pub(super) fn negates(&self, word: &str) -> bool {
        self.negations.contains(&word) || word.ends_with("n't") || word.ends_with("n’t")
    }

    pub(super) fn refuses(&self, word: &str) -> bool {
        self.refusals.iter().any(|refusal| word.starts_with(refusal))
    }

    /// Those of a language, by its code of ISO 639-3.
    pub(super) fn of(code: &str) -> Option<&'static Self> {
        TABLE.iter().find(|(known, _)| *known == code).map(|(_, cues)| cues)
    }
}

#[rustfmt::skip]
static TABLE: &[(&str, Cues)] = &[
    ("eng", Cues {
        negations: &["not", "no", "never", "none", "nobody", "nothing", "neither", "nor", "cannot", "without", "nowhere"],
        refusals: &["refus", "reject", "denied", "denie", "deny", "dismiss", "declin", "failed", "fails", "failure", "lack", "unable", "prohibit", "forbid", "forbad", "banned", "bans", "prevent", "avoid",
            "instead", "cease", "cancel", "withdr", "exclud", "unless", "impossible", "hardly", "barely", "illegal", "disagree", "oppos", "unpaid"],
        ups: &["rise", "rising", "rose", "increas", "grow", "grew", "grown", "climb", "higher", "improv", "gain"],
        downs: &["fall", "fell", "decreas", "declin", "drop", "lower", "reduc", "shrink", "shrank", "halv", "sank", "cut"],
    }),
    ("deu", Cues {
        negations: &["nicht", "kein", "keine", "keinen", "keinem", "keiner", "keines", "nie", "niemals", "niemand", "nichts", "ohne", "weder"],
        refusals: &["verbot", "verbiet", "untersag", "abgelehn", "ablehn", "abgewies", "verweiger", "fehl", "statt", "kaum", "unmöglich", "ausgeschloss", "nein", "entfäll"],
        ups: &["stieg", "steig", "gestieg", "erhöh", "wuchs", "gewachs", "zunahm", "zugenomm"],
        downs: &["sank", "sink", "gesunk", "fiel", "gefall", "verring", "rückgang", "zurück", "halbier", "abnahm"],
    }),
    ("fra", Cues {
        negations: &["ne", "pas", "jamais", "aucun", "aucune", "sans", "ni", "rien", "personne"],
        refusals: &["refus", "rejet", "interdi", "empêch", "manqu", "défen", "impossible", "annul"],
        ups: &["augment", "hausse", "progress", "croiss", "accru"],
        downs: &["baiss", "diminu", "recul", "chut", "réduit"],
    }),
    ("spa", Cues {
        negations: &["no", "nunca", "ningún", "ninguno", "ninguna", "sin", "ni", "nada", "nadie", "jamás", "tampoco"],
        refusals: &["rechaz", "prohib", "negó", "niega", "negad", "impid", "falt", "imposible", "excluy", "cancel"],
        ups: &["aument", "subi", "sube", "subió", "creci", "crece", "increment"],
        downs: &["baja", "bajó", "disminu", "cayó", "cae", "reduc", "reduj", "descen"],
    }),
    ("ita", Cues {
        negations: &["non", "mai", "nessun", "nessuno", "nessuna", "senza", "né", "niente", "nulla"],
        refusals: &["rifiut", "respin", "viet", "impedi", "manca", "impossibil", "esclu", "proibi"],
        ups: &["aument", "cresc", "salit"],
        downs: &["diminu", "cala", "sces", "ridott"],
    }),
    ("por", Cues {
        negations: &["não", "nunca", "nenhum", "nenhuma", "sem", "nem", "nada", "ninguém", "jamais"],
        refusals: &["recus", "rejeit", "proib", "imped", "falt", "impossív", "exclu"],
        ups: &["aument", "cresc", "subi", "sobe"],
        downs: &["diminu", "caiu", "reduz", "desceu"],
    }),
    ("nld", Cues {
        negations: &["niet", "geen", "nooit", "niemand", "niets", "zonder", "noch"],
        refusals: &["weiger", "verbod", "verbied", "afgewez", "ontbre", "onmogelijk"],
        ups: &["steeg", "stijg", "groei", "toenam"],
        downs: &["daal", "gedaald", "afnam", "verminder"],
    }),
    ("pol", Cues { negations: &["nie", "nigdy", "żaden", "żadna", "żadne", "bez", "ani", "nic", "nikt"], refusals: &["odmów", "odmow", "zakaz", "zabron", "brak", "niemożliw"],
        ups: &["wzr", "rośn", "rosł", "zwiększ"],
        downs: &["spad", "zmniejsz", "obniż"],
    }),
    ("rus", Cues {
        negations: &["не", "нет", "никогда", "без", "ни", "никто", "ничего", "нельзя"],
        refusals: &["отказ", "запре", "отклон", "невозмож", "отсутств", "отмен"],
        ups: &["вырос", "рост", "увелич", "повыс", "подня"],
        downs: &["сниз", "упал", "уменьш", "сократ"],
    }),
];
