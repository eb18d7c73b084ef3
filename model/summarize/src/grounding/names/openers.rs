//! Whether an ordinary word at the start of a sentence is used as a name there: "Brown resigned", "Shell's profits".
//! Asked only about words that the document does not have. Nouns that need no article are the exception, so they are
//! listed.

use super::lists::OPENERS;

/// Shortest word that an ending makes an ordinary one.
const ENDED_LETTERS: usize = 6;
/// Endings of words that stand without an article.
const ENDINGS: &[&str] = &[
    "age", "ance", "cy", "dom", "ed", "ence", "hood", "ics", "ing", "ism", "ity", "ly", "ment", "ness", "ology",
    "body", "one", "phy", "sis", "ship", "sion", "th", "thing", "tion", "try", "ture",
];
/// Verb forms that have no ending to tell them by, after a subject in the singular.
const VERBS: &str = "\
    agrees announces argues became began believes bought built came can chose claims could cut denies did does drew \
    drove expects fell felt flew fought found gave got grew had has held hit hopes is kept knew left lost made may \
    meant met might must owns paid put quit ran rode rose said sang sat saw says sent set should sold sought spent \
    spoke stood taught thinks thought threw told took wants was went will won would wrote";
/// Verb forms that only a subject in the singular has.
const SINGULAR: &[&str] = &["does", "has", "is", "says", "wants", "was", "owns", "thinks"];
/// Words that take the place of a noun or begin a clause, and nouns that stand without an article.
const BARE: &str = "\
    a about above access according across action advice after again against ago agreement aid air all almost alone \
    along already also although always amid amidst among an analysis and anger another any apart around art as aside \
    at attention autumn awareness away back beauty because before behavior behind being below beneath beside besides \
    best between beyond both bread business but by cancer capital care cash central certain change chaos chemistry \
    china church clear climate coal code coffee college color communication concern concerning confidence conflict \
    congress consent construction consumption content control corn cost cotton coverage crime critical criticism \
    crucial culture damage data dawn death debate debt deep default demand depression despite detail diet discussion \
    disease down dozens due during dust duty each earlier early earth economics effort eight either electricity else \
    energy engagement enough equipment even ever every everybody everything evidence evil evolution except exercise \
    experience expert exposure faith fall family far fear feedback few fiction final fire first fish five flow \
    following food for force former four freedom friction from fuel fun funding further gas gender given glass god \
    gold good grain grass gravity great grief ground growth guidance guilt half happiness harm hate he health heat \
    heaven help her here hers high him his history home hope housing how human humanity hundreds hunger ice if in \
    including income indeed industry inflation influence information initial inside insight instead insurance \
    interest into iron it its joy just justice key knowledge labor labour lack land language large last late later \
    latter law lead leadership least left less let life light like literature little local logic long loss lot love \
    low luck machine machinery magic main make man management mankind many marriage material mathematics matter \
    maximum maybe me meat media medicine membership memory metadata metal midnight milk millions mind mine minimum \
    minus modern money more morning most motion movement much multiple music my nature near nearly neither never new \
    news next night nine no nobody noise none noon nor not nothing novel now of off often oil old on once one only \
    opinion opposition or order other others otherwise our ours out output outside over oxygen pain paper parliament \
    part participation payment peace people per performance perhaps permission philosophy physics plant plastic play \
    pleasure plus poetry police policy politics pollution poor population poverty power practice prayer precision \
    preference pressure pride prior privacy production profit progress proof property protection protein public \
    quality quite rain rainfall rather reading reality reason recall recent recovery regarding regardless religion \
    research resistance respect response rest revenue rice right risk safety salt same sand satisfaction school \
    science sea second security self series server seven several sex she silence silver similar simple since six \
    skin sleep small smoke snow so social society software soil solar some somebody something sometimes somewhat \
    soon sound space speech speed spending sport spring staff steam steel still stock strength stress strong stuff \
    success such sugar summer sunlight supply support surgery talent tax tea teamwork technology television \
    temperature ten tension testing text than thanks that the their theirs them then theory therapy there these they \
    thing third this those though thought thousands three through throughout thus time to today together tomorrow \
    tonight too tourism toward towards trade tradition traffic training transport travel treatment trouble trust \
    truth turnout two under unemployment unity unless unlike until up upon us usage use user value variety versus \
    very via violence virtue vision war waste water we wealth weather weight welfare well what whatever wheat when \
    whenever where wherever whether which whichever while who whoever whom whose why wind wine winter wisdom with \
    within without wood wool word work worship writing yes yesterday yet you young your yours youth";

/// Whether a word at the start of a sentence, in lower case, is the subject of it as only a name can be.
pub(super) fn acts_as_name(word: &str, after: &str) -> bool {
    let is_ended = word.len() >= ENDED_LETTERS && ENDINGS.iter().any(|ending| word.ends_with(ending));
    let is_in = |list: &str, word: &str| list.split(' ').any(|known| known == word);
    if is_ended || OPENERS.contains(&word) || is_in(BARE, word) {
        return false;
    }
    if ["'s ", "’s "].iter().any(|ending| after.starts_with(ending)) {
        return true;
    }
    if [", who ", ", whose "].iter().any(|clause| after.starts_with(clause)) {
        return !word.ends_with('s');
    }
    let Some(rest) = after.strip_prefix(' ') else { return false };
    let next = &rest[..rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len())];
    if word.ends_with('s') {
        // "Results were" is a plural, "Gates was" is none.
        return SINGULAR.contains(&next);
    }
    if word.ends_with("men") || word.ends_with("children") {
        return false;
    }
    is_in(VERBS, next) || next.len() > 4 && next.ends_with("ed") && next.chars().all(char::is_lowercase)
}
