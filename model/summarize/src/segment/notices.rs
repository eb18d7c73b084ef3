//! Sentences that stand under many documents and say nothing of any: legal footers of mail, licences, disclaimers.
//!
//! A sentence is judged by how many notions of such texts it has, each in several languages, and by how it is set.

/// Longest sentence in bytes that is looked at.
const MAX_BYTES: usize = 4096;
/// Letters from which a sentence in capitals is a warranty or a warning.
const MIN_CAPITALS: usize = 30;

/// Notions of the footer of a mail. Three of them make one.
const FOOTER: &[&[&str]] = &[
    &[
        "e-mail",
        "email",
        "this message",
        "nachricht",
        "courriel",
        "message",
        "correo",
        "mensaje",
        "mensagem",
        "messaggio",
        "wiadomoś",
        "письм",
        "сообщени",
        "邮件",
        "郵件",
        "メール",
        "本电子",
        "الرسالة",
        "البريد",
    ],
    &[
        "confidential",
        "privileged",
        "vertraulich",
        "confidentiel",
        "confidencial",
        "riservat",
        "poufn",
        "конфиденциальн",
        "机密",
        "保密",
        "機密",
        "سري",
    ],
    &[
        "recipient",
        "addressee",
        "intended for",
        "empfänger",
        "adressat",
        "destinatair",
        "destinatari",
        "destinatário",
        "odbiorc",
        "adresat",
        "получател",
        "адресат",
        "收件人",
        "受信者",
        "المستلم",
    ],
    &[
        "in error",
        "by mistake",
        "irrtümlich",
        "versehentlich",
        "par erreur",
        "por error",
        "por engano",
        "per errore",
        "omyłk",
        "по ошибке",
        "错误",
        "误",
        "誤",
        "بالخطأ",
    ],
    &[
        "delete",
        "destroy",
        "lösch",
        "vernicht",
        "supprim",
        "détrui",
        "elimin",
        "borr",
        "apag",
        "cancell",
        "usun",
        "удалит",
        "删除",
        "削除",
        "حذف",
    ],
    &[
        "notify the sender",
        "inform the sender",
        "absender",
        "expéditeur",
        "remitente",
        "remetente",
        "mittente",
        "nadawc",
        "отправител",
        "发件人",
        "送信者",
        "المرسل",
    ],
];

/// Pairs of notions of which both make a notice.
const PAIRS: &[(&[&str], &[&str])] = &[
    (
        &[
            "environment",
            "umwelt",
            "environnement",
            "medio ambiente",
            "meio ambiente",
            "ambiente",
            "środowisk",
            "окружающ",
            "环境",
        ],
        &["print", "drucken", "ausdruck", "imprim", "stampa", "wydruk", "печата", "打印", "印刷"],
    ),
    (
        &[
            "registered in",
            "registered office",
            "handelsregister",
            "registergericht",
            "amtsgericht",
            "siège social",
            "registro mercantil",
        ],
        &["company number", "company no", "registration n", "hrb", "vat", "ust-id", "siret", "rcs", "geschäftsführer"],
    ),
    (
        &["forward-looking", "zukunftsgerichtet", "zukunftsbezogen", "prospecti", "prospectiv", "previsional"],
        &["statement", "aussagen", "déclarations", "declaracion", "dichiarazion"],
    ),
    (
        &[
            "not an offer",
            "not constitute an offer",
            "an offer of",
            "kein angebot",
            "stellt kein",
            "ne constitue pas une offre",
            "no constituye una oferta",
        ],
        &["securit", "wertpapier", "titres", "valores", "nothing in this"],
    ),
    (&["actual results", "tatsächlichen ergebnisse", "résultats réels"], &["differ", "abweich", "différer"]),
    (
        &[
            "unsubscribe",
            "abbestellen",
            "abmelden",
            "désabonner",
            "désinscrire",
            "darse de baja",
            "cancelar la suscripción",
            "disiscri",
            "отписаться",
            "退订",
            "配信停止",
        ],
        &["click", "klick", "hier", "here", "ici", "clic", "link", "здесь", "点击", "newsletter", "e-mail", "email"],
    ),
];

/// Phrases of licences and of the foot of a page.
const PHRASES: &[&str] = &[
    "all rights reserved",
    "permission is hereby granted",
    "without warranty of any kind",
    "alle rechte vorbehalten",
    "tous droits réservés",
    "todos los derechos reservados",
    "todos os direitos reservados",
    "tutti i diritti riservati",
    "wszelkie prawa zastrzeżone",
    "все права защищены",
    "版权所有",
    "無断転載",
    "جميع الحقوق محفوظة",
    "read all of this leaflet",
    "keep this leaflet",
    "lesen sie die gesamte packungsbeilage",
    "cette notice avant",
    "todo el prospecto",
    "questo foglio prima",
    "view this email in your browser",
    "view in browser",
    "you receive this e",
    "you are receiving this e",
    "you received this e",
    "sie erhalten diese e",
    "vous recevez ce",
    "recibe este correo",
    "ricevi questa",
    "вы получили это письмо",
    "accept all cookies",
    "this includes any possible side effects not listed",
    "dies gilt auch für nebenwirkungen, die nicht",
    "aussi à tout effet indésirable qui ne serait pas",
    "efectos adversos que no aparecen en este",
    "effetti indesiderati non elencati in questo",
    "not the intended recipient",
    "not the named recipient",
    "nicht der richtige empfänger",
    "nicht der vorgesehene empfänger",
    "nicht der beabsichtigte empfänger",
    "nie jest adresatem",
    "не являетесь адресатом",
    "si vous n'êtes pas le destinataire",
    "si vous n’êtes pas le destinataire",
    "si usted no es el destinatario",
    "si no es usted el destinatario",
    "se não for o destinatário",
    "se non siete i destinatari",
    "se non è il destinatario",
    "非指定收件人",
    "不是指定收件人",
    "意図した受信者でない",
    "لست المستلم المقصود",
    "dieses schreiben wurde maschinell erstellt",
    "ohne unterschrift gültig",
];

/// Labels of whoever made or sells a thing, before a name and an address.
const MAKERS: &[&str] = &[
    "manufacturer:",
    "marketing authorisation holder:",
    "hersteller:",
    "zulassungsinhaber:",
    "pharmazeutischer unternehmer:",
    "fabricant :",
    "fabricant:",
    "fabricante:",
    "produttore:",
    "wytwórca:",
    "производитель:",
];

/// Titles of parts that are notices as a whole.
const TITLES: &[&str] = &[
    "license",
    "licence",
    "licensing",
    "copyright",
    "disclaimer",
    "legal notice",
    "legal disclaimer",
    "contact",
    "contacts",
    "media contacts",
    "table of contents",
    "contents",
    "lizenz",
    "impressum",
    "haftungsausschluss",
    "kontakt",
    "inhalt",
    "inhaltsverzeichnis",
    "rechtliche hinweise",
    "mentions légales",
    "licence et droits",
    "contacts presse",
    "sommaire",
    "table des matières",
    "aviso legal",
    "licencia",
    "contacto",
    "índice",
    "contenido",
    "note legali",
    "contatti",
    "indice",
    "licença",
    "contato",
    "contatos",
    "лицензия",
    "контакты",
    "содержание",
    "оглавление",
    "许可",
    "许可证",
    "免责声明",
    "联系方式",
    "联系我们",
    "目录",
    "ライセンス",
    "免責事項",
    "お問い合わせ",
    "目次",
    "إخلاء المسؤولية",
    "اتصل بنا",
    "المحتويات",
    "spis treści",
];

/// Checks whether a sentence is a notice by itself.
pub(crate) fn is_notice(sentence: &str) -> bool {
    if sentence.len() > MAX_BYTES {
        return false;
    }
    let lower = sentence.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let footer = FOOTER.iter().filter(|words| has(words)).count() >= 3 && (has(FOOTER[0]) || has(FOOTER[3]));
    let privileged = has(FOOTER[0])
        && ["may be privileged", "confidential and privileged information", "contain privileged"]
            .iter()
            .any(|words| lower.contains(words));
    // A clause that says who the manufacturer is has no address.
    let maker = MAKERS.iter().any(|label| lower.starts_with(label))
        && lower.matches(',').count() >= 2
        && lower.contains(|c: char| c.is_ascii_digit());
    let misdirected = has(FOOTER[3]) && (has(FOOTER[4]) || has(FOOTER[5]));
    let start = lower.trim_start_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '©' | '('));
    let copyright = start.starts_with('©')
        || ["copyright ", "(c) 1", "(c) 2"].iter().any(|word| start.starts_with(word))
            && lower.contains(|c: char| c.is_ascii_digit());
    footer
        || privileged
        || maker
        || misdirected
        || copyright
        || has(PHRASES)
        || PAIRS.iter().any(|(left, right)| has(left) && has(right))
}

/// Checks whether a title begins a part of notices.
pub(crate) fn is_title(title: &str) -> bool {
    let plain = title.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    TITLES.contains(&plain.as_str())
}

/// Long, and in capitals throughout, as warranties are where the rest is not.
pub(crate) fn is_shouted(sentence: &str) -> bool {
    let upper = sentence.chars().filter(|c| c.is_uppercase()).count();
    let lower = sentence.chars().filter(|c| c.is_lowercase()).count();
    upper >= MIN_CAPITALS && upper >= 4 * lower && sentence.split_whitespace().count() >= 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn footers_are_told_from_sentences_about_such_things() {
        for notice in [
            "This message and any attachments are confidential and intended only for the named recipient.",
            "If you have received it in error, please notify the sender and delete it immediately.",
            "Diese E-Mail enthält vertrauliche Informationen und ist nur für den Empfänger bestimmt.",
            "Bitte denken Sie an die Umwelt, bevor Sie diese E-Mail drucken.",
            "Ce message est confidentiel et destiné au seul destinataire.",
            "This e-mail and its attachments are confidential and may be privileged.",
            "Manufacturer: Somebody Pharma AS, Some Street 12, Norway",
            "If you are not the intended recipient, you must not copy, disclose or rely on it.",
            "Copyright (c) 2025 The Authors.",
            "本邮件内容保密，仅供收件人使用。",
        ] {
            assert!(is_notice(notice), "{notice}");
        }
        for sentence in [
            "The Recipient shall keep all Confidential Information secret for five years.",
            "Please delete the old message from the server.",
            "The report says that the environment has suffered.",
            "The court found that copyright does not protect an idea.",
            "They printed the message.",
            "The court held that the e-mails to counsel were confidential and privileged.",
            "Manufacturer: the party that delivers the Goods under clause 4.",
            "Le voisin n'est pas le destinataire du colis.",
        ] {
            assert!(!is_notice(sentence), "{sentence}");
        }
        assert!(is_title("**Disclaimer.**") && is_title("Kontakt") && !is_title("Confidentiality"));
    }
}
