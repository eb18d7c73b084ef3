//! Turns of phrase that tell what a sentence is for: what was decided, and what is said out of courtesy. Pure.
//!
//! They only shift a rank; a text in a language without any is ranked as well, by everything else.

/// Longest sentence in bytes that is looked at.
const MAX_BYTES: usize = 2048;

/// Phrases for what was decided, is due, must be done, or sums up.
#[rustfmt::skip]
const WEIGHTY: &[&str] = &[
    "decided", "decision", "agreed", " agree ", "approved", "resolved", "deadline", " due ", " must ", " must not ", "have to ", "in short", "in summary", "to sum up", "in conclusion",
    "most important", "remember", "number one", "the first thing", "the second thing", "the third thing", "action:", "recommend", "result is", "warning", "at the latest", "no later than",
    "shall pay", "ordered to", "sentenced", "i find", "dismissed", "shall not", "not allowed", "prohibited", "forbidden", "verurteilt", "verboten", "nicht erlaubt", "genehmigt",
    "zugesagt", "condamn", "interdit", "condenad", "prohibid", "aprob", "condanna", "vietato", "proibid", "zabroni", "запрещ", "приговор", "禁止", "判决", "判決", "ممنوع",
    "beschloss", "beschluss", "vereinbart", "einigten", " muss ", "müssen", "frist", "spätestens", "wichtig", "ergebnis", "empfiehlt", "empfehlen", "zusammenfassend", "kurz gesagt", "erstens", "zweitens",
    "décid", "décision", "convenu", " doit ", "doivent", "délai", "au plus tard", "important", "recommand", "en résumé", "premièrement",
    "decidi", "decisión", "acordó", "acordaron", " debe ", "deben", "plazo", "a más tardar", "importante", "recomien", "en resumen",
    "deciso", "decisione", "concordato", "deve ", "devono", "entro il", "raccomand", "in sintesi", "decisão", "acordado", "devem", "prazo", "recomend", "em resumo",
    "postanow", "decyzj", "uzgodni", " musi ", "termin", "ważne", "решил", "решени", "договорил", "должен", "должны", "срок", "не позднее", "важно", "рекоменд",
    "决定", "同意", "必须", "截止", "重要", "建议", "总之", "最迟", "決定", "決ま", "合意", "必要", "締切", "期限", "結果", "推奨", "قرر", "قرار", "اتفق", "يجب", "في موعد", "مهم", "أوصى",
];

/// Greetings, thanks and offers of help.
#[rustfmt::skip]
const COURTEOUS: &[&str] = &[
    "welcome back", "welcome to", "hello everybody", "hello everyone", "hi everyone", "good morning everyone", "thanks for watching", "thank you for watching", "thumbs up", "subscribe", "see you next",
    "bye bye", "hope you are well", "hope you're well", "finds you well", "thank you for your", "thanks for your", "looking forward", "any questions", "hesitate to", "feel free to",
    "herzlich willkommen", "willkommen zu", "bis zum nächsten", "bei fragen", "bei rückfragen", "für rückfragen", "zögern sie nicht", "vielen dank für", "ich hoffe, es geht",
    "bienvenue", "n'hésitez pas", "j'espère que vous", "merci pour votre", "merci de votre", "à la prochaine", "restons à votre disposition", "reste à votre disposition",
    "bienvenid", "no dude en", "espero que", "gracias por", "hasta la próxima", "benvenut", "non esiti", "grazie per", "alla prossima", "bem-vind", "não hesite", "obrigado por", "até a próxima",
    "zapraszam do kontaktu", "dziękuję za", "dzień dobry", "добро пожаловать", "не стесняйтесь", "спасибо за", "с нетерпением", "欢迎", "如有疑问", "如有任何", "请随时", "谢谢观看", "您好",
    "お世話になって", "ご不明な点", "お気軽に", "よろしくお願い", "مرحبا بكم", "أهلا", "لا تتردد", "شكرا على",
];

/// Checks whether a sentence says what was decided, is due, or sums up.
pub(crate) fn is_weighty(sentence: &str) -> bool {
    has(sentence, WEIGHTY)
}

/// Checks whether a sentence is said out of courtesy.
pub(crate) fn is_courteous(sentence: &str) -> bool {
    has(sentence, COURTEOUS)
}

fn has(sentence: &str, phrases: &[&str]) -> bool {
    if sentence.len() > MAX_BYTES {
        return false;
    }
    // Lines of a wrapped sentence have no spaces at their ends.
    let lower = sentence.to_lowercase().replace(['\n', '\r', '’'], " ");
    phrases.iter().any(|phrase| lower.contains(phrase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_and_courtesies_are_told_apart() {
        assert!(is_weighty("The committee decided to close the hall.") && is_weighty("会议决定推迟开放。"));
        assert!(
            is_courteous("Please do not hesitate to call.") && is_courteous("ご不明な点がございましたら、お気軽に。")
        );
        assert!(!is_weighty("The hall is old.") && !is_courteous("The hall is old."));
    }
}
