//! Mail: headers, who wrote what when, greetings, signatures and what companies put under them.

use crate::segment::line::{Class, Line};
use crate::segment::{notices, scraps};
use crate::words;

/// Longest label of a header in characters.
const MAX_LABEL_CHARS: usize = 24;
/// Words of a line of a signature, of a greeting, of a name.
const SIGNATURE_WORDS: usize = 9;
const GREETING_WORDS: usize = 6;
const NAME_WORDS: usize = 4;
/// Lines under a signature that are looked at, and the sentences among them that a footer has at most.
const SIGNATURE_LINES: usize = 40;
const SIGNATURE_SENTENCES: usize = 8;
/// Lines that stand above the fields of the head of a document at most.
const HEAD_LINES: usize = 4;

/// Fields of a message in the languages that mail programs speak.
const FIELDS: &[&str] = &[
    "from",
    "to",
    "cc",
    "bcc",
    "date",
    "sent",
    "subject",
    "reply-to",
    "importance",
    "attachments",
    "von",
    "an",
    "gesendet",
    "datum",
    "betreff",
    "de",
    "à",
    "a",
    "envoyé",
    "objet",
    "date",
    "para",
    "enviado",
    "enviado el",
    "fecha",
    "asunto",
    "da",
    "inviato",
    "oggetto",
    "data",
    "assunto",
    "van",
    "aan",
    "verzonden",
    "onderwerp",
    "od",
    "do",
    "wysłano",
    "temat",
    "от",
    "кому",
    "отправлено",
    "дата",
    "тема",
    "копия",
    "发件人",
    "收件人",
    "发送时间",
    "日期",
    "主题",
    "抄送",
    "差出人",
    "宛先",
    "送信日時",
    "日時",
    "件名",
    "من",
    "إلى",
    "التاريخ",
    "الموضوع",
];

/// Those of them that say what it is about.
const SUBJECTS: &[&str] = &[
    "subject",
    "betreff",
    "objet",
    "asunto",
    "oggetto",
    "assunto",
    "onderwerp",
    "temat",
    "тема",
    "主题",
    "件名",
    "الموضوع",
];

/// Closings of letters: the start of a short line.
const CLOSINGS: &[&str] = &[
    "best regards",
    "kind regards",
    "warm regards",
    "regards",
    "best wishes",
    "all the best",
    "many thanks",
    "thanks",
    "thank you",
    "sincerely",
    "yours sincerely",
    "yours faithfully",
    "yours truly",
    "cheers",
    "best,",
    "mit freundlichen grüßen",
    "mit freundlichem gruß",
    "freundliche grüße",
    "viele grüße",
    "beste grüße",
    "herzliche grüße",
    "liebe grüße",
    "schöne grüße",
    "gruß",
    "grüße",
    "mfg",
    "vg",
    "lg",
    "cordialement",
    "bien cordialement",
    "bien à vous",
    "sincères salutations",
    "salutations",
    "saludos",
    "un saludo",
    "atentamente",
    "cordialmente",
    "atenciosamente",
    "abraços",
    "cordiali saluti",
    "distinti saluti",
    "saluti",
    "met vriendelijke groet",
    "groeten",
    "z poważaniem",
    "pozdrawiam",
    "с уважением",
    "с наилучшими",
    "всего доброго",
    "此致",
    "祝好",
    "顺颂商祺",
    "敬上",
    "敬具",
    "よろしくお願い",
    "以上、よろしく",
    "مع أطيب التحيات",
    "مع التحية",
    "تحياتي",
    "مع خالص",
];

/// Mark what is not said in the message itself.
pub(crate) fn mark(lines: &mut [Line<'_>]) {
    let headers = headers(lines);
    let told = attributions(lines);
    let is_mail = headers || told;
    age(lines);
    let mut start = 0;
    while start < lines.len() {
        let end = message_end(lines, start);
        signature(&mut lines[start..end], is_mail);
        start = end;
    }
    for index in 0..lines.len() {
        let line = &lines[index];
        let alone = lines.get(index + 1).is_none_or(Line::is_blank) && (index == 0 || !lines[index - 1].is_text());
        if alone
            && line.is_text()
            && line.body.ends_with([',', '，', '،'])
            && words::count(line.body, GREETING_WORDS + 1) <= GREETING_WORDS
        {
            lines[index].class = Class::Scrap;
        }
    }
}

/// Count the later messages of a thread whose messages stand one below the other, the newest last. That is so where the first
/// subject has no mark of an answer or a forward, and one further down is the same with such a mark.
fn age(lines: &mut [Line<'_>]) {
    let starts: Vec<usize> =
        (0..lines.len()).filter(|index| matches!(lines[*index].class, Class::Subject(_))).collect();
    let subjects: Vec<String> = starts.iter().map(|index| subject(&lines[*index])).collect();
    let Some((first, rest)) = subjects.split_first() else { return };
    let is_answer = |subject: &String| subject != first && subject.ends_with(first.as_str()) && is_marked(subject);
    if first.is_empty() || is_marked(first) || !rest.iter().any(is_answer) {
        return;
    }
    for (number, start) in starts.iter().enumerate() {
        let end = starts.get(number + 1).copied().unwrap_or(lines.len());
        lines[*start..end].iter_mut().for_each(|line| line.age = starts.len() - 1 - number);
    }
}

/// The subject of a message in small letters.
fn subject(line: &Line<'_>) -> String {
    let from = if let Class::Subject(bytes) = line.class { bytes } else { 0 };
    line.text.get(from..).unwrap_or_default().trim().to_lowercase()
}

/// Checks whether a subject begins with a short mark and a colon, as answers and forwards do, or with the tag of a list.
fn is_marked(subject: &str) -> bool {
    const MARK_CHARS: usize = 6;
    let mark = subject.split([':', '：']).next().unwrap_or_default();
    subject.starts_with('[') || mark.len() < subject.len() && mark.chars().count() <= MARK_CHARS
}

/// Runs of fields, at least two together.
fn headers(lines: &mut [Line<'_>]) -> bool {
    let mut any = false;
    let (mut start, mut above) = (0, 0);
    while start < lines.len() {
        let mut end = start;
        let (mut known, mut addressed) = (0, 0);
        while end < lines.len() && is_line(&lines[end]) && lines[end].depth == lines[start].depth {
            let Some((label, value)) = field(lines[end].body) else { break };
            let ends = value.ends_with(['.', '!', '?', '。']) && words::size(value) > 3;
            if ends && !is_known(label) {
                break;
            }
            known += usize::from(is_known(label));
            addressed += usize::from(value.contains('@'));
            end += 1;
        }
        // The head of minutes or of a form is one of these too.
        let head = above <= HEAD_LINES;
        if end - start >= 2 && (known >= 2 || end - start >= 3 && known + addressed >= 1 || end - start >= 3 && head) {
            any |= known >= 2;
            for line in &mut lines[start..end] {
                let label = field(line.body).map_or("", |(label, _)| label);
                let behind = line.text.len() - line.body.len() + label.len() + 1;
                let is_subject =
                    SUBJECTS.contains(&label.to_lowercase().as_str()) && line.text.is_char_boundary(behind);
                line.class = if is_subject { Class::Subject(behind) } else { Class::Scrap };
            }
        }
        let next = end.max(start + 1);
        above += lines[start..next].iter().filter(|line| !line.is_blank()).count();
        start = next;
    }
    any
}

/// Checks whether a line can be a field, also one that looks like a row because of its figures.
fn is_line(line: &Line<'_>) -> bool {
    !line.is_blank() && matches!(line.class, Class::Text | Class::Scrap)
}

fn is_known(label: &str) -> bool {
    FIELDS.contains(&label.to_lowercase().as_str())
}

/// A short label with a colon and what stands behind it.
fn field(line: &str) -> Option<(&str, &str)> {
    let bold = line.trim_start_matches('*');
    let (at, c) = bold.char_indices().take(MAX_LABEL_CHARS).find(|(_, c)| matches!(c, ':' | '：'))?;
    let label = bold[..at].trim_matches(['*', ' ']);
    let value = bold[at + c.len_utf8()..].trim_start_matches('*');
    let wordy = label.split_whitespace().count() <= 3 && label.starts_with(char::is_alphabetic);
    (wordy && !value.starts_with("//") && !label.contains('.')).then_some((label, value))
}

/// Lines that lead to a quotation, such as `On 3 May Ana wrote:`, and those that part messages.
fn attributions(lines: &mut [Line<'_>]) -> bool {
    let mut any = false;
    for index in 0..lines.len() {
        if !lines[index].is_text() {
            continue;
        }
        let line = &lines[index];
        let ruled = line.body.starts_with("---") && line.body.ends_with("---")
            || line.body.starts_with("___") && line.body.ends_with("___");
        let next = lines[index + 1..].iter().take(3).find(|next| !next.is_blank());
        let deeper = next.is_some_and(|next| next.depth > line.depth);
        let leads =
            line.body.ends_with([':', '：']) && deeper && line.body.contains(|c: char| c.is_numeric() || c == '@');
        if !(ruled || leads) {
            continue;
        }
        lines[index].class = Class::Scrap;
        any |= leads;
        // It is often wrapped.
        if leads && index > 0 && lines[index - 1].is_text() && lines[index - 1].depth == lines[index].depth {
            let before = &mut lines[index - 1];
            if before.body.contains(|c: char| c.is_numeric()) && !before.body.ends_with(['.', '!', '?']) {
                before.class = Class::Scrap;
            }
        }
    }
    any
}

/// End of the message that begins at `start`: at another depth, or at the next header.
fn message_end(lines: &[Line<'_>], start: usize) -> usize {
    let mut depth = None;
    let mut text = false;
    for (index, line) in lines.iter().enumerate().skip(start) {
        if line.is_blank() {
            continue;
        }
        let header = matches!(line.class, Class::Scrap | Class::Subject(_)) && field(line.body).is_some();
        if depth.is_some_and(|depth| depth != line.depth) || (text && header) {
            return index;
        }
        depth = Some(line.depth);
        text |= line.is_text();
    }
    lines.len()
}

/// Mark the signature of one message, and what stands under it.
fn signature(lines: &mut [Line<'_>], is_mail: bool) {
    let full: Vec<usize> =
        (0..lines.len()).filter(|index| !lines[*index].is_blank() && !lines[*index].body.is_empty()).collect();
    let mut at = full.len();
    for (place, index) in full.iter().enumerate() {
        let line = &lines[*index];
        let next = full.get(place + 1).map(|next| &lines[*next]);
        let delimiter = matches!(line.body.trim_end(), "--" | "—" | "__") && full.len() - place <= 16;
        if (delimiter || is_closing(line.body) || (is_mail && place > 0 && signs(line, next)))
            && (line.is_text() || delimiter)
        {
            lines[*index].class = Class::Notice;
            at = place + 1;
            // What looks like a signature in the middle of a letter is none.
            let under = &full[at..full.len().min(at + SIGNATURE_LINES)];
            let rest = under.iter().filter(|index| is_prose(lines[**index].body)).count();
            if rest <= SIGNATURE_SENTENCES {
                mark_under(lines, under);
            }
        }
    }
    // A name alone at the end.
    if is_mail
        && at == full.len()
        && let Some(last) = full.last()
        && full.len() > 1
        && is_name(lines[*last].body)
        && (*last == 0 || lines[*last - 1].is_blank() || lines[*last - 1].body.is_empty())
    {
        lines[*last].class = Class::Notice;
    }
}

fn mark_under(lines: &mut [Line<'_>], under: &[usize]) {
    for index in under {
        let line = &mut lines[*index];
        let body = line.body.trim_end();
        let postscript = body.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("ps"))
            || body.starts_with("P.S")
            || body.starts_with("P. S");
        if postscript {
            return;
        }
        if is_prose(body) && !notices::is_notice(body) && !scraps::has_address(body) {
            return;
        }
        if matches!(line.class, Class::Text | Class::Scrap) {
            line.class = Class::Notice;
        }
    }
}

/// A sentence rather than a line of a signature.
fn is_prose(line: &str) -> bool {
    words::size(line) > SIGNATURE_WORDS || line.ends_with(['.', '!', '?', '。']) && words::size(line) > 3
}

fn is_closing(line: &str) -> bool {
    if words::size(line) > NAME_WORDS + 2 || line.len() > 120 {
        return false;
    }
    let lower = line.to_lowercase();
    CLOSINGS.iter().any(|closing| {
        lower.strip_prefix(closing).is_some_and(|rest| {
            let rest = rest.trim_start();
            rest.is_empty()
                || rest.starts_with([',', '.', '!', '，', '。']) && words::count(rest, 4) <= 3
                || !closing.is_ascii()
        })
    })
}

/// A few words with a comma, and a name under them.
fn signs(line: &Line<'_>, next: Option<&Line<'_>>) -> bool {
    line.is_text()
        && line.body.ends_with([',', '，', '،'])
        && words::count(line.body, NAME_WORDS + 1) <= NAME_WORDS
        && next.is_some_and(|next| is_name(next.body))
}

/// One to three words without a mark at the end, which begin like names.
fn is_name(line: &str) -> bool {
    let count = words::count(line, NAME_WORDS);
    (1..NAME_WORDS).contains(&count)
        && line.ends_with(|c: char| c.is_alphabetic() || c == '.')
        && line.split_whitespace().all(|word| word.starts_with(|c: char| c.is_alphabetic() && !c.is_lowercase()))
}
