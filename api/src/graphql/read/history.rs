//! The change history of an agreement: a page of entries in one statement, and one more for the names in them.
//!
//! What was sealed is opened for the page alone. What is not for the reader - work notes, what staff write to each
//! other in tasks, what the patient has against their representative - is told as changed, never shown.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write as _,
};

use chrono::{DateTime, Utc};
use entity::{PatientId, Sealed, access_event::ActorKind};
use sea_orm::Value as Parameter;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    cols::Cols,
    history_words::{field_label, what, word},
    rows::rows,
};
use crate::{
    auth::policy::{Action, Noun, Who, allows, reach_sql},
    calendar::to_local,
    crypto::Place,
    domain::{agreement::patient_group::PatientGroup, reason::told},
    error::Fault,
    graphql::{
        page::{Page, PageRequest},
        types::history::{HistoryChange, HistoryEntry},
    },
    locale::Locale,
    session::Session,
};

/// What others than staff see of a task. The rest staff write to each other.
const OF_A_TASK: [&str; 5] = ["kind", "status", "dueAt", "careUnit", "assignee"];

/// Where a page goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryPlace {
    at: DateTime<Utc>,
    id: Uuid,
}

/// What belongs to no one agreement, but to how the patient came to have one and whom they turn to.
fn beside(who: Who) -> &'static str {
    if allows(who, Noun::CareContact, Action::Read) {
        "'agreement_offer', 'agreement_request', 'care_contact'"
    } else {
        "'agreement_offer', 'agreement_request'"
    }
}

struct Row {
    place: HistoryPlace,
    patient: PatientId,
    kind: String,
    action: String,
    by: ActorKind,
    staff: Option<(String, String, String)>,
    representative: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
}

/// A page of the history of an agreement that the caller reaches, the latest first.
pub async fn of_agreement(
    session: &Session,
    agreement: Uuid,
    request: &PageRequest<HistoryPlace>,
) -> Result<Page<HistoryEntry>, Fault> {
    let which = format!(
        "(e.agreement_id = $5 OR (e.agreement_id IS NULL AND e.subject_kind IN ({}) \
           AND e.patient_id = (SELECT a.patient_id FROM agreement a WHERE a.id = $5)))",
        beside(Who::from(&session.actor)),
    );
    page(session, Noun::Agreement, &which, agreement, request).await
}

/// A page of the history of a booked time that the caller reaches, the latest first.
pub async fn of_appointment(
    session: &Session,
    appointment: Uuid,
    request: &PageRequest<HistoryPlace>,
) -> Result<Page<HistoryEntry>, Fault> {
    // The patient is named for the index.
    let which = "e.subject_id = $5 AND e.subject_kind = 'appointment' \
         AND e.patient_id = (SELECT ap.patient_id FROM appointment ap WHERE ap.id = $5)";
    page(session, Noun::Appointment, which, appointment, request).await
}

/// A page of the entries that `which` names by `$5`.
async fn page(
    session: &Session,
    noun: Noun,
    which: &str,
    subject: Uuid,
    request: &PageRequest<HistoryPlace>,
) -> Result<Page<HistoryEntry>, Fault> {
    let sql = format!(
        "SELECT e.id, e.at, e.patient_id, e.subject_kind, e.action, e.by_kind, m.display_name, m.title, u.name, \
         rp.display_name, e.\"before\", e.\"after\" FROM change_entry e \
         LEFT JOIN assignment s ON e.by_kind = 'STAFF' AND s.id = e.by_id \
         LEFT JOIN staff_member m ON m.id = s.staff_member_id LEFT JOIN care_unit u ON u.id = s.care_unit_id \
         LEFT JOIN representative rp ON e.by_kind = 'REPRESENTATIVE' AND rp.id = e.by_id \
         WHERE {which} \
         AND {reach} AND ($6 = 0 OR e.at < $7 OR (e.at = $7 AND e.id < $8)) ORDER BY e.at DESC, e.id DESC LIMIT {limit}",
        reach = reach_sql(Who::from(&session.actor), noun, "e.patient_id", Some("e.care_provider_id")),
        limit = request.first + 1,
    );
    let start = HistoryPlace { at: DateTime::<Utc>::UNIX_EPOCH, id: Uuid::nil() };
    let after = request.after.as_ref().unwrap_or(&start);
    let own: [Parameter; 4] =
        [subject.into(), i32::from(request.after.is_some()).into(), after.at.into(), after.id.into()];
    let found = rows(session, sql, own).await?;
    let entries = found.iter().map(|row| read(session, &mut Cols::new(row)));
    let entries = entries.collect::<Result<Vec<Row>, Fault>>()?;
    for entry in entries.iter().take(request.first) {
        session.trail.read(entry.patient);
    }
    let names = names(session, &entries).await?;
    let reader = Reader {
        locale: session.locale,
        groups: &session.core.settings.patient_groups,
        names,
        staff: session.actor.staff().is_some(),
        for_another: session.actor.acting_for().is_some(),
        notes: allows(Who::from(&session.actor), Noun::WorkNote, Action::Read),
    };
    Ok(Page::of_rows(entries, request, |row| row.place.clone()).map(|row| reader.entry(row)))
}

fn read(session: &Session, cols: &mut Cols<'_>) -> Result<Row, Fault> {
    let id: Uuid = cols.take()?;
    let (at, patient) = (cols.take()?, PatientId(cols.take()?));
    let (kind, action) = (cols.take()?, cols.take()?);
    let by = cols.text_enum()?;
    let (name, title, unit): (Option<String>, Option<String>, Option<String>) =
        (cols.opt()?, cols.opt()?, cols.opt()?);
    let representative = cols.opt()?;
    let mut opened = |column| -> Result<Option<Value>, Fault> {
        let sealed: Option<Sealed> = cols.opt_sealed()?;
        let text = session.core.keys.open_opt(Place::new(column, id), sealed.as_ref())?;
        text.map(|text| serde_json::from_str(&text).map_err(Fault::internal)).transpose()
    };
    let (before, after) = (opened("change_entry.before")?, opened("change_entry.after")?);
    Ok(Row {
        place: HistoryPlace { at, id },
        patient,
        kind,
        action,
        by,
        staff: name.zip(title).zip(unit).map(|((name, title), unit)| (name, title, unit)),
        representative,
        before,
        after,
    })
}

/// The names of the units and people whose ids stand in the entries.
async fn names(session: &Session, entries: &[Row]) -> Result<HashMap<Uuid, String>, Fault> {
    let mut ids = BTreeSet::new();
    for value in entries.iter().flat_map(|row| [&row.before, &row.after]).flatten() {
        for leaf in flat(value).values() {
            ids.extend(leaf.as_str().and_then(|text| Uuid::try_parse(text).ok()));
        }
    }
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    // After the policy's four parameters. A page has at most some hundred.
    let mut listed = String::new();
    for n in 0..ids.len() {
        let comma = if n == 0 { "" } else { ", " };
        let _ = write!(listed, "{comma}${}", n + 5);
    }
    let sql = format!(
        "SELECT u.id, u.name FROM care_unit u WHERE u.id IN ({listed}) UNION ALL \
         SELECT s.id, m.display_name FROM assignment s JOIN staff_member m ON m.id = s.staff_member_id \
         WHERE s.id IN ({listed})"
    );
    let found = rows(session, sql, ids.into_iter().map(Parameter::from)).await?;
    found
        .iter()
        .map(|row| {
            let mut cols = Cols::new(row);
            Ok((cols.take()?, cols.take()?))
        })
        .collect()
}

/// The values of a JSON object by path, nothing left out but what is null.
fn flat(value: &Value) -> BTreeMap<String, &Value> {
    fn walk<'v>(path: String, value: &'v Value, into: &mut BTreeMap<String, &'v Value>) {
        match value {
            // A text in both languages is one value.
            Value::Object(fields) if is_text(fields) => {
                into.insert(path, value);
            }
            Value::Object(fields) => {
                for (name, value) in fields {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    walk(path, value, into);
                }
            }
            Value::Array(items) => {
                for (n, value) in items.iter().enumerate() {
                    walk(format!("{path}.{}", n + 1), value, into);
                }
            }
            Value::Null => {}
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                into.insert(path, value);
            }
        }
    }
    let mut leaves = BTreeMap::new();
    walk(String::new(), value, &mut leaves);
    leaves
}

fn is_text(fields: &Map<String, Value>) -> bool {
    fields.len() == 2 && fields.contains_key("sv") && fields.contains_key("en")
}

/// Who reads, and what they may see.
struct Reader<'s> {
    locale: Locale,
    groups: &'s [PatientGroup],
    names: HashMap<Uuid, String>,
    staff: bool,
    /// A representative: what is said of their own acts may be meant for care alone.
    for_another: bool,
    notes: bool,
}

impl Reader<'_> {
    fn entry(&self, row: Row) -> HistoryEntry {
        HistoryEntry {
            at: row.place.at,
            by: row.by.into(),
            by_name: self.by_name(&row),
            what: what(self.locale, &row.action, &row.kind, row.before.is_none(), row.after.as_ref()),
            changes: self.changes(&row),
            action: row.action,
            subject_kind: row.kind,
        }
    }

    fn by_name(&self, row: &Row) -> String {
        let locale = self.locale;
        match row.by {
            ActorKind::Staff => row.staff.as_ref().map_or_else(
                || locale.pick("Vården", "Care").to_owned(),
                |(name, title, unit)| format!("{name}, {title}, {unit}"),
            ),
            ActorKind::Patient if self.staff || self.for_another => {
                locale.pick("Patienten", "The patient").to_owned()
            }
            ActorKind::Patient => locale.pick("du", "you").to_owned(),
            ActorKind::Representative => {
                let who = locale.pick("Ombud", "Representative");
                row.representative.as_ref().map_or_else(|| who.to_owned(), |name| format!("{who}: {name}"))
            }
            ActorKind::System | ActorKind::Anonymous => locale.pick("Tjänsten", "The service").to_owned(),
        }
    }

    fn changes(&self, row: &Row) -> Vec<HistoryChange> {
        let empty = BTreeMap::new();
        let before = row.before.as_ref().map_or_else(|| empty.clone(), flat);
        let after = row.after.as_ref().map_or_else(|| empty.clone(), flat);
        let fields: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let mut changes = Vec::new();
        for field in fields {
            let (from, to) = (before.get(field).copied(), after.get(field).copied());
            if from == to {
                continue;
            }
            let name = last_name(field);
            let hidden = match (row.kind.as_str(), name) {
                (_, "workNote") => !self.notes,
                ("task", name) => !self.staff && !OF_A_TASK.contains(&name),
                ("agreement_version", "objection") => self.for_another,
                // What the patient has said to staff may be about what the reader did.
                ("agreement_version", "words") => {
                    self.for_another && after.keys().any(|key| last_name(key) == "how")
                }
                ("guardian_exception", "reason") => !self.staff,
                _ => false,
            };
            if hidden && ["task", "guardian_exception"].contains(&row.kind.as_str()) {
                // What staff write to each other about their work says nothing to the patient, nor that there is a reason.
                continue;
            }
            let label = field_label(self.locale, field);
            if hidden {
                // It is part of the record: that it changed is no secret.
                changes.push(HistoryChange { field: field.clone(), label, from: None, to: None });
                continue;
            }
            let shown = |value: Option<&Value>| value.and_then(|v| self.shown(&row.kind, name, v));
            let (from, to) = (shown(from), shown(to));
            if from.is_some() || to.is_some() {
                changes.push(HistoryChange { field: field.clone(), label, from, to });
            }
        }
        changes
    }

    /// A value in plain words; none where it is an id that says nothing to people.
    fn shown(&self, kind: &str, field: &str, value: &Value) -> Option<String> {
        match value {
            Value::Null => None,
            Value::Bool(yes) => Some(
                if *yes { self.locale.pick("ja", "yes") } else { self.locale.pick("nej", "no") }.to_owned(),
            ),
            Value::String(text) => self.text(kind, field, text),
            Value::Object(text) => text.get(self.locale.pick("sv", "en"))?.as_str().map(str::to_owned),
            other => Some(other.to_string()),
        }
    }

    fn text(&self, kind: &str, field: &str, text: &str) -> Option<String> {
        if let Ok(id) = Uuid::try_parse(text) {
            return self.names.get(&id).cloned();
        }
        if let Some(group) = self.groups.iter().find(|group| field == "patientGroup" && group.code == text) {
            return Some(group.name.in_locale(self.locale).to_owned());
        }
        if let Some(word) = word(self.locale, kind, field, text) {
            return Some(word.to_owned());
        }
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Some(to_local(at.with_timezone(&Utc)).format("%Y-%m-%d %H:%M").to_string());
        }
        Some(told(text.to_owned(), self.locale))
    }
}

/// `story` of `content.story`, `text` of `warningSigns.2.text`, `parties` of `parties.1`.
pub(super) fn last_name(field: &str) -> &str {
    let named = |part: &&str| part.parse::<usize>().is_err();
    field.rsplit('.').find(named).unwrap_or(field)
}
