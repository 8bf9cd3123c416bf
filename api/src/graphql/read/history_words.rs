//! The words of the history: what acts, fields and values are called by people.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{history::last_name, history_acts::ACTS};
use crate::locale::Locale;

/// In Swedish and in English.
pub type Words = [&'static str; 2];

/// What things are called, for acts without a line of their own.
const THINGS: &[(&str, Words)] = &[
    ("agreement", ["Patientkontraktet", "The agreement"]),
    ("agreement_offer", ["Erbjudandet", "The offer"]),
    ("agreement_request", ["Önskan", "The request"]),
    ("agreement_version", ["Versionen av planen", "The version of the plan"]),
    ("assent", ["Godkännandet", "The assent"]),
    ("care_contact", ["Kontakten", "The contact"]),
    ("goal", ["Målet", "The goal"]),
    ("plan_item", ["Insatsen", "The plan item"]),
    ("plan_link", ["Länken till en plan", "The link to a plan"]),
    ("safety_instruction", ["Säkerhetsanvisningen", "The safety instruction"]),
    ("task", ["Vårdens uppgift", "Care's task"]),
];

/// What fields are called.
const FIELDS: &[(&str, Words)] = &[
    ("accepted", ["Svar", "Answer"]),
    ("achievement", ["Måluppfyllelse", "Achievement"]),
    ("action", ["Vad du gör", "What to do"]),
    ("assent", ["Godkänt av", "Assented by"]),
    ("assignee", ["Ansvarig person", "Person responsible"]),
    ("category", ["Typ av insats", "Kind of item"]),
    ("consultation", ["Patientens delaktighet", "How the patient took part"]),
    ("datedOn", ["Planens datum", "The plan's date"]),
    ("description", ["Beskrivning", "Description"]),
    ("dueAt", ["Senast", "By"]),
    ("dueOn", ["Datum", "Date"]),
    ("ending", ["Hur det slutade", "How it ended"]),
    ("fulfils", ["Är själva patientkontraktet", "Is the agreement itself"]),
    ("function", ["Funktion", "Function"]),
    ("goal", ["Mål", "Goal"]),
    ("holder", ["Vem som har planen", "Who keeps the plan"]),
    ("how", ["Hur det sades", "How it was said"]),
    ("howResultsCome", ["Hur provsvar når mig", "How results reach me"]),
    ("howToReach", ["Hur man når kontakten", "How to reach the contact"]),
    ("isLead", ["Huvudansvarig", "Main responsible"]),
    ("kind", ["Vad det gäller", "What it is about"]),
    ("name", ["Namn", "Name"]),
    ("note", ["Notering för vården", "Note for care"]),
    ("number", ["Version", "Version"]),
    ("onRequest", ["På patientens begäran", "At the patient's request"]),
    ("outcome", ["Resultat", "Outcome"]),
    ("owner", ["Vem som gör det", "Who does it"]),
    ("ownResponsibility", ["Vad jag själv kan ansvara för", "What I can take on myself"]),
    ("parties", ["Parter utanför vården", "Parties outside care"]),
    ("patientGroup", ["Patientgrupp", "Patient group"]),
    ("phone", ["Telefon", "Phone"]),
    ("priority", ["Ordning", "Priority"]),
    ("proposedBy", ["Föreslaget av", "Proposed by"]),
    ("reason", ["Orsak", "Reason"]),
    ("recurrence", ["Hur ofta", "How often"]),
    ("reference", ["Beteckning", "Reference"]),
    ("responsibleAssignment", ["Ansvarig person", "Person responsible"]),
    ("responsibleUnit", ["Ansvarig enhet", "Unit responsible"]),
    ("resultBy", ["Svar senast", "Result by"]),
    ("resultHow", ["Hur svaret lämnas", "How the result is told"]),
    ("reviewOn", ["Omprövas", "Reviewed on"]),
    ("role", ["Roll", "Role"]),
    ("selfCare", ["Egenvård", "Self-care"]),
    ("setBy", ["Satt av", "Set by"]),
    ("sharedGoal", ["Gemensamt mål", "Shared goal"]),
    ("source", ["Källa", "Source"]),
    ("sourceOn", ["Källans datum", "Date of the source"]),
    ("startsOn", ["Från", "From"]),
    ("status", ["Läge", "Status"]),
    ("statusReason", ["Orsak", "Reason"]),
    ("story", ["Min berättelse", "My story"]),
    ("targetOn", ["Måldatum", "Target date"]),
    ("text", ["Text", "Text"]),
    ("timing", ["När", "When"]),
    ("title", ["Rubrik", "Heading"]),
    ("treatingKind", ["Behandlar", "Treats"]),
    ("trigger", ["Väntar på", "Waits for"]),
    ("unit", ["Enhet", "Unit"]),
    ("url", ["Länk", "Link"]),
    ("validFrom", ["Gäller från", "Valid from"]),
    ("validUntil", ["Gäller till", "Valid until"]),
    ("whatMatters", ["Vad som är viktigt för mig", "What matters to me"]),
    ("whenToSeekHelp", ["När och var jag söker hjälp", "When and where to seek help"]),
    ("why", ["Varför", "Why"]),
    ("words", ["Med egna ord", "In their own words"]),
    (
        "workNote",
        [
            "Arbetsanteckning (ingår i journalen, visas inte här)",
            "Work note (part of the record, not shown here)",
        ],
    ),
];

/// What values are called: `kind` is empty where the word is the same for all things.
const VALUES: &[(&str, &str, Words)] = &[
    ("", "ACCEPTED", ["överenskommen", "agreed"]),
    ("agreement_offer", "ACCEPTED", ["ja tack", "yes"]),
    ("", "ACHIEVED", ["uppnått", "reached"]),
    ("", "ACTIVE", ["gäller", "in force"]),
    ("goal", "ACTIVE", ["pågår", "being worked on"]),
    ("", "AGREED", ["överenskommen", "agreed"]),
    ("", "BEHANDLANDE_ROLL", ["behandlande roll", "treating role"]),
    ("", "CANCELLED", ["inställd", "called off"]),
    ("", "CARE", ["vården", "care"]),
    ("", "COMPLETED", ["klart", "completed"]),
    ("", "CONSULTED", ["i samråd med patienten", "in consultation with the patient"]),
    ("", "CONTACT", ["kontakt", "contact"]),
    ("", "COORDINATION", ["samordning", "coordination"]),
    ("", "DATE", ["på ett datum", "on a date"]),
    ("", "DECEASED", ["avliden", "deceased"]),
    ("", "DECLINED", ["nej tack", "no"]),
    ("", "DIGITAL", ["digitalt", "digitally"]),
    ("", "DIGITAL_PLUS", ["Digital+", "Digital+"]),
    ("", "DONE", ["gjort", "done"]),
    ("", "DRAFT", ["utkast", "draft"]),
    ("", "ENDED", ["avslutad", "ended"]),
    ("", "EXAMINATION", ["undersökning", "examination"]),
    ("", "FAST_LAKARKONTAKT", ["fast läkarkontakt", "fast läkarkontakt (fixed doctor)"]),
    ("", "FAST_OMSORGSKONTAKT", ["fast omsorgskontakt", "fast omsorgskontakt (fixed home-care contact)"]),
    ("", "FAST_VARDKONTAKT", ["fast vårdkontakt", "fast vårdkontakt (fixed care contact)"]),
    ("", "FOLLOW_UP", ["uppföljning", "follow-up"]),
    ("", "FULFILLED", ["uppfylld", "met"]),
    ("", "HABILITATION", ["habiliteringsplan", "habilitation plan"]),
    ("", "IMPROVING", ["förbättras", "improving"]),
    ("", "INFORMATION", ["information", "information"]),
    ("", "IN_PROGRESS", ["pågår", "in progress"]),
    ("", "LETTER", ["brev", "letter"]),
    ("", "LOAN_OF_EQUIPMENT", ["hjälpmedel", "loan of equipment"]),
    ("", "MEDICINE", ["läkemedel", "medicine"]),
    ("", "MIN_VARDPLAN_CANCER", ["Min vårdplan cancer", "Min vårdplan cancer"]),
    ("", "MOVED", ["flyttat", "moved"]),
    ("", "NOT_ACHIEVED", ["inte uppnått", "not reached"]),
    ("", "NOT_DONE", ["blev inte av", "did not happen"]),
    ("", "NO_CHANGE", ["oförändrat", "no change"]),
    ("", "ON_HOLD", ["vilande", "paused"]),
    ("", "ON_SITE", ["på plats", "on site"]),
    ("", "OPEN", ["väntar", "waits"]),
    ("safety_instruction", "OPEN", ["gäller, ännu inte överenskommen", "in force, not yet agreed"]),
    ("", "OTHER", ["annat", "other"]),
    ("", "PATIENT", ["patienten", "the patient"]),
    ("", "PATIENT_DECLINED", ["patienten vill inte ha det", "the patient does not want it"]),
    ("", "PERIOD", ["under en period", "within a period"]),
    ("", "PERSONCENTRERAT_VARDFORLOPP", ["personcentrerat vårdförlopp", "person-centred care pathway"]),
    ("", "PHONE", ["per telefon", "by phone"]),
    ("", "PROPOSED", ["föreslagen", "proposed"]),
    ("", "RECURRENCE", ["återkommande", "again and again"]),
    ("", "REFERRAL", ["remiss", "referral"]),
    ("", "REHAB", ["rehabiliteringsplan", "rehabilitation plan"]),
    ("", "RELATIVE", ["närstående", "relative"]),
    ("", "SELF_CARE", ["egenvård", "self-care"]),
    ("", "SIP", ["samordnad individuell plan (SIP)", "coordinated individual plan (SIP)"]),
    ("", "SUPERSEDED", ["ersatt", "replaced"]),
    ("", "SUPPORTER", ["stödperson", "supporter"]),
    ("", "TOLD", ["patienten har informerats", "the patient was told"]),
    ("", "TREATMENT", ["behandling", "treatment"]),
    ("", "TRIGGER", ["när något händer", "when something happens"]),
    ("", "VARDPLAN", ["vårdplan", "care plan"]),
    ("", "VIDEO", ["video", "video"]),
    ("", "WARNING_SIGN", ["varningstecken", "warning sign"]),
    ("", "WHOM_TO_CALL", ["vem man ringer", "whom to call"]),
    ("", "WITHDRAWN", ["återtagen", "withdrawn"]),
    ("", "WORSENING", ["försämras", "worsening"]),
];

static ACT_WORDS: LazyLock<HashMap<(&str, &str), Words>> =
    LazyLock::new(|| ACTS.iter().map(|(act, kind, words)| ((*act, *kind), *words)).collect());
static FIELD_WORDS: LazyLock<HashMap<&str, Words>> = LazyLock::new(|| FIELDS.iter().copied().collect());
static VALUE_WORDS: LazyLock<HashMap<(&str, &str), Words>> =
    LazyLock::new(|| VALUES.iter().map(|(kind, value, words)| ((*kind, *value), *words)).collect());

/// What happened. An act without words of its own says that its thing is new, or changed.
pub fn what(locale: Locale, action: &str, kind: &str, is_new: bool) -> String {
    if let Some([sv, en]) = ACT_WORDS.get(&(action, kind)) {
        return locale.pick(sv, en).to_owned();
    }
    let known = THINGS.iter().find(|(name, _)| *name == kind);
    let [sv, en] = known.map_or(["Uppgiften", "The entry"], |(_, words)| *words);
    let [did_sv, did_en] = if is_new { ["lades till", "was added"] } else { ["ändrades", "was changed"] };
    format!("{} {}", locale.pick(sv, en), locale.pick(did_sv, did_en))
}

/// What a field is called; one that has no name yet is called by its name in the record.
pub fn field_label(locale: Locale, field: &str) -> String {
    let name = last_name(field);
    FIELD_WORDS.get(name).map_or_else(|| name.to_owned(), |[sv, en]| locale.pick(sv, en).to_owned())
}

/// What a stored word is called; none when it is no such word, but somebody's own text.
pub fn word(locale: Locale, kind: &str, field: &str, value: &str) -> Option<&'static str> {
    // People's own texts are never taken for one of ours.
    let coded = value.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_');
    if !coded || matches!(field, "text" | "title" | "words" | "story") {
        return None;
    }
    let found = VALUE_WORDS.get(&(kind, value)).or_else(|| VALUE_WORDS.get(&("", value)));
    found.map(|[sv, en]| locale.pick(sv, en))
}
