//! The statements of a plan, for each kind of reader.

use std::{borrow::Cow, sync::OnceLock};

use super::super::{
    appointment,
    cols::{staff_columns, unit_columns},
    contact, life, preference,
};
use crate::{
    auth::policy::{Action, Noun, Who, allows, reach_sql},
    domain::contact::{held, lead_first},
    session::Session,
};

/// A statement, constant for each kind of reader. Any staff role has the same text; for whoever reads within rights of
/// their own it is put together at the request.
pub(super) struct ByReader {
    text: fn(Who) -> String,
    patient: OnceLock<String>,
    staff: OnceLock<String>,
}

impl ByReader {
    const fn new(text: fn(Who) -> String) -> Self {
        Self { text, patient: OnceLock::new(), staff: OnceLock::new() }
    }

    pub(super) fn for_session(&self, session: &Session) -> Cow<'_, str> {
        match Who::from(&session.actor) {
            who @ Who::Patient => Cow::Borrowed(self.patient.get_or_init(|| (self.text)(who))),
            who @ Who::Staff(_) => Cow::Borrowed(self.staff.get_or_init(|| (self.text)(who))),
            who => Cow::Owned((self.text)(who)),
        }
    }
}

/// Narrows rows of a patient in reach to those of `noun` that are: for staff ` AND column = $3`, as rows of other
/// providers are out of reach; none where the noun is out of scope.
fn within(who: Who, noun: Noun, column: &str) -> String {
    match who {
        Who::Staff(_) => format!(" AND {column} = $3"),
        _ if allows(who, noun, Action::Read) => String::new(),
        _ => " AND 1 = 0".to_owned(),
    }
}

fn head(who: Who, with_preferences: bool) -> String {
    let (preference_columns, preference_join) = if with_preferences {
        (
            format!(", {}", preference::COLUMN_LIST),
            format!(
                "LEFT JOIN reminder_preference rp ON rp.patient_id = p.id{}",
                within(who, Noun::ReminderPreference, "rp.care_provider_id")
            ),
        )
    } else {
        (String::new(), String::new())
    };
    format!(
        "SELECT p.id, p.given_name, p.family_name, p.birth_date, p.language, p.protected_identity, p.deceased_on, \
             pi.id, pi.number, {unit}, u.opening_hours, u.closing_days, u.after_hours_name, u.after_hours_phone, \
             {contact}, {appointment}, \
             a.id, a.status, a.current_version_id, a.created_at, a.updated_at, \
             a.patient_group, a.ended_at, a.end_reason, a.ended_by_kind, a.end_words, a.row_version, \
             CASE WHEN EXISTS (SELECT 1 FROM plan_link f WHERE f.agreement_id = a.id AND f.fulfils \
               AND f.removed_at IS NULL) THEN 1 ELSE 0 END, {agreement_unit}, \
             {version}{preference_columns} \
             FROM patient p JOIN care_unit u ON u.id = p.care_unit_id \
             LEFT JOIN patient_identity pi ON pi.patient_id = p.id AND pi.is_current \
             LEFT JOIN care_contact c ON c.id = (SELECT x.id FROM care_contact x WHERE x.patient_id = p.id \
               AND x.role = 'FAST_VARDKONTAKT' AND {held}{contacts} {lead_first}) \
             LEFT JOIN care_unit cu ON cu.id = c.care_unit_id \
             LEFT JOIN appointment ap ON ap.id = (SELECT x.id FROM appointment x WHERE x.patient_id = p.id \
               AND x.status = 'BOOKED' AND x.starts_at > $4{times} ORDER BY x.starts_at, x.id LIMIT 1) \
             {appointment_joins} \
             LEFT JOIN agreement a ON a.id = COALESCE($6, (SELECT x.id FROM agreement x WHERE x.patient_id = p.id \
               AND x.status <> 'ENDED'{agreements} \
               ORDER BY CASE x.status WHEN 'ACTIVE' THEN 0 WHEN 'PATIENT_UNDECIDED' THEN 0 WHEN 'PROPOSED' THEN 1 ELSE 2 END, x.created_at DESC, x.id LIMIT 1)) \
               AND a.patient_id = p.id{own_agreement} \
             LEFT JOIN care_unit au ON au.id = a.care_unit_id \
             LEFT JOIN agreement_version v ON v.agreement_id = a.id AND (v.id = a.current_version_id OR v.status IN ('DRAFT', 'PROPOSED')) \
             {preference_join} WHERE {reach} AND p.id = $5 ORDER BY v.number DESC",
        unit = unit_columns("u"),
        held = held!("x"),
        lead_first = lead_first!(),
        contact = contact::columns(),
        appointment = appointment::columns(),
        appointment_joins = appointment::JOINS,
        agreement_unit = unit_columns("au"),
        version = VERSION_COLUMNS,
        contacts = within(who, Noun::CareContact, "x.care_provider_id"),
        times = within(who, Noun::Appointment, "x.care_provider_id"),
        agreements = within(who, Noun::Agreement, "x.care_provider_id"),
        own_agreement = within(who, Noun::Agreement, "a.care_provider_id"),
        reach = reach_sql(who, Noun::Patient, "p.id", None),
    )
}

/// The columns of a version for `v`.
pub const VERSION_COLUMNS: &str = "v.id, v.number, v.status, v.content, \
     (SELECT n.number FROM agreement_version n WHERE n.id = v.base_version_id), \
     (SELECT n.number FROM agreement_version n WHERE n.id = v.answers_version_id), v.withdrawal, \
     v.hash, v.proposed_by, v.proposed_at, v.patient_assent_at, v.patient_assent_kind, v.patient_assent_given, v.care_assent_at, v.objected_at, \
     v.objected_by";

pub(super) static HEAD: ByReader = ByReader::new(|who| head(who, false));
pub(super) static HEAD_WITH_PREFERENCES: ByReader = ByReader::new(|who| head(who, true));

/// Goals of the version that is read, and those that proposals add.
pub(super) static GOALS: ByReader = ByReader::new(|who| {
    format!(
        "SELECT g.id, g.status, g.achievement, g.set_by, g.row_version, r.id, r.text, r.priority, r.target_on, \
         g.status_reason, g.status_by_kind, g.status_at, g.achievement_by_kind, g.achievement_at, r.by_kind \
             FROM agreement a JOIN agreement_version v ON v.agreement_id = a.id \
               AND (v.id = a.current_version_id OR v.status IN ('DRAFT', 'PROPOSED')) \
             JOIN version_goal m ON m.version_id = v.id JOIN goal g ON g.id = m.goal_id \
             JOIN goal_revision r ON r.id = m.goal_revision_id \
             WHERE a.id = $5 AND {} AND (v.id = a.current_version_id OR NOT EXISTS (SELECT 1 FROM version_goal k \
               WHERE k.version_id = a.current_version_id AND k.goal_id = m.goal_id)) \
             ORDER BY r.priority, g.id",
        reach_sql(who, Noun::Agreement, "a.patient_id", Some("a.care_provider_id"))
    )
});

/// Items likewise, by date.
pub(super) static ITEMS: ByReader = ByReader::new(|who| items(who, ""));

/// Items with their live columns; `$6` is the first of the days shown.
pub(super) static ITEMS_WITH_LIFE: ByReader =
    ByReader::new(|who| items(who, &format!(", {}", life::columns())));

fn items(who: Who, more: &str) -> String {
    format!(
        "SELECT i.id, i.status, i.proposed_by, i.status_reason, i.work_note, i.row_version, \
             r.id, r.category, r.title, r.description, r.owner, r.relative_name, r.timing, r.due_on, r.starts_on, r.recurrence, \
             r.\"trigger\", r.goal_id, r.result_how, r.result_by, r.by_kind, {unit}, {staff}, ic.name, hc.id, hc.name, hc.phone, hcu.phone{more} \
             FROM agreement a JOIN agreement_version v ON v.agreement_id = a.id \
               AND (v.id = a.current_version_id OR v.status IN ('DRAFT', 'PROPOSED')) \
             JOIN version_item m ON m.version_id = v.id JOIN plan_item i ON i.id = m.plan_item_id \
             JOIN plan_item_revision r ON r.id = m.plan_item_revision_id \
             LEFT JOIN care_unit iu ON iu.id = r.responsible_unit_id \
             LEFT JOIN assignment ia ON ia.id = r.responsible_assignment_id \
             LEFT JOIN staff_member ist ON ist.id = ia.staff_member_id \
             LEFT JOIN care_contact ic ON ic.id = r.responsible_contact_id \
             LEFT JOIN care_contact hc ON hc.id = r.responsible_contact_id AND {held}{contacts} \
             LEFT JOIN care_unit hcu ON hcu.id = hc.care_unit_id \
             WHERE a.id = $5 AND {reach} AND (v.id = a.current_version_id OR NOT EXISTS (SELECT 1 FROM version_item k \
               WHERE k.version_id = a.current_version_id AND k.plan_item_id = m.plan_item_id)) \
             ORDER BY CASE WHEN r.due_on IS NULL THEN 1 ELSE 0 END, r.due_on, i.id",
        unit = unit_columns("iu"),
        staff = staff_columns("ist"),
        held = held!("hc"),
        contacts = within(who, Noun::CareContact, "hc.care_provider_id"),
        reach = reach_sql(who, Noun::Agreement, "a.patient_id", Some("a.care_provider_id")),
    )
}
