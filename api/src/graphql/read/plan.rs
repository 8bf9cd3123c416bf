//! The read model of a plan: one patient with everything an operation asks for, in a few flat statements.
//!
//! The statements are joined and constant in text; look-ahead decides which of them run. Children are selected by
//! the agreement's id, never by lists of ids. Policy is part of every statement: see [`policy::reach_sql`].
//!
//! [`policy::reach_sql`]: crate::auth::policy::reach_sql

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::{Arc, OnceLock},
};

use chrono::{DateTime, NaiveDate, Utc};
use entity::{
    PatientId, Sealed, access_event::ActorKind, agreement, agreement_version, goal, patient, plan_item,
    plan_item_revision, version_assent,
};
use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};
use uuid::Uuid;

use super::{
    appointment,
    cols::{Cols, staff_columns, unit_columns},
    contact::{self, Hours, OwnUnit, Reachable},
    life::{self, Found},
    preference,
    version::{self, VersionsWanted},
};
use crate::{
    auth::policy::{Action, Granted, Noun, Who, allows, reach_sql, reach_values},
    calendar::to_local,
    crypto::Place,
    domain::agreement::content::AgreementContent,
    error::Fault,
    graphql::{
        plain::Restricted,
        scalars::{Date, GlobalId, NodeKind},
        types::{
            agreement::{Agreement, AgreementVersion, Assent, FollowThrough, Goal, PlanItem},
            beginning::PatientGroup,
            booking::Appointment,
            content::warning_signs,
            enums::VersionStatus,
            messages::ReminderPreference,
        },
    },
    session::Session,
};

/// What an operation asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    pub goals: bool,
    pub items: bool,
    /// The live columns of items.
    pub life: bool,
    /// The lists that belong to goals and items.
    pub lists: life::Lists,
    /// All contacts; the lead comes with the head.
    pub contacts: bool,
    pub preferences: bool,
    /// Booked times, the newest [`MOST_APPOINTMENTS`] of them; the next one comes with the head.
    pub appointments: bool,
    /// Of the versions that come with the agreement.
    pub versions: VersionsWanted,
}

/// How many booked times a plan holds at most.
pub const MOST_APPOINTMENTS: u64 = 500;

impl Wanted {
    /// Everything of the agreement.
    pub const fn agreement(versions: VersionsWanted) -> Self {
        Self {
            goals: true,
            items: true,
            life: true,
            lists: life::Lists::ALL,
            contacts: false,
            preferences: false,
            appointments: false,
            versions,
        }
    }
}

/// A patient as loaded.
#[derive(Clone, Debug)]
pub struct PatientPlan {
    pub id: PatientId,
    pub given_name: String,
    pub family_name: String,
    pub birth_date: NaiveDate,
    pub language: String,
    pub protected_identity: patient::ProtectedIdentity,
    pub deceased_on: Option<NaiveDate>,
    /// As sealed; opened only when asked for.
    pub number: Option<(Uuid, Sealed)>,
    pub unit: OwnUnit,
    pub agreement: Option<Agreement>,
    pub lead: Option<Reachable>,
    /// Whose role is held now.
    pub contacts: Vec<Reachable>,
    /// Whose role is planned.
    pub contacts_ahead: Vec<Reachable>,
    pub next_appointment: Option<Arc<Appointment>>,
    pub preferences: Vec<ReminderPreference>,
    /// Newest first.
    pub appointments: Vec<Arc<Appointment>>,
}

/// A statement, constant for each kind of reader. Any staff role has the same text; for whoever reads within rights of
/// their own it is put together at the request.
struct ByReader {
    text: fn(Who) -> String,
    patient: OnceLock<String>,
    staff: OnceLock<String>,
}

impl ByReader {
    const fn new(text: fn(Who) -> String) -> Self {
        Self { text, patient: OnceLock::new(), staff: OnceLock::new() }
    }

    fn for_session(&self, session: &Session) -> Cow<'_, str> {
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
             a.patient_group, a.ended_at, a.end_reason, a.ended_by_kind, a.end_words, a.row_version, {agreement_unit}, \
             {version}{preference_columns} \
             FROM patient p JOIN care_unit u ON u.id = p.care_unit_id \
             LEFT JOIN patient_identity pi ON pi.patient_id = p.id AND pi.is_current \
             LEFT JOIN care_contact c ON c.id = (SELECT x.id FROM care_contact x WHERE x.patient_id = p.id \
               AND x.role = 'FAST_VARDKONTAKT' AND x.status <> 'ENDED' \
               AND x.valid_from <= $4 AND (x.valid_until IS NULL OR x.valid_until > $4){contacts} \
               ORDER BY x.is_lead DESC, x.valid_from DESC, x.id LIMIT 1) \
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
     v.row_version";

static HEAD: ByReader = ByReader::new(|who| head(who, false));
static HEAD_WITH_PREFERENCES: ByReader = ByReader::new(|who| head(who, true));

/// Goals of the version that is read, and those that proposals add.
static GOALS: ByReader = ByReader::new(|who| {
    format!(
        "SELECT g.id, g.status, g.achievement, g.set_by, g.row_version, r.id, r.text, r.priority, r.target_on, \
         g.status_reason, g.status_by_kind, g.status_at, g.achievement_by_kind, g.achievement_at \
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
static ITEMS: ByReader = ByReader::new(|who| items(who, ""));

/// Items with their live columns; `$6` is today.
static ITEMS_WITH_LIFE: ByReader = ByReader::new(|who| items(who, &format!(", {}", life::COLUMNS)));

fn items(who: Who, more: &str) -> String {
    format!(
        "SELECT i.id, i.status, i.proposed_by, i.status_reason, i.work_note, i.row_version, \
             r.id, r.category, r.title, r.description, r.owner, r.relative_name, r.timing, r.due_on, r.starts_on, r.recurrence, \
             r.\"trigger\", r.goal_id, r.result_how, r.result_by, {unit}, {staff}, ic.name{more} \
             FROM agreement a JOIN agreement_version v ON v.agreement_id = a.id \
               AND (v.id = a.current_version_id OR v.status IN ('DRAFT', 'PROPOSED')) \
             JOIN version_item m ON m.version_id = v.id JOIN plan_item i ON i.id = m.plan_item_id \
             JOIN plan_item_revision r ON r.id = m.plan_item_revision_id \
             LEFT JOIN care_unit iu ON iu.id = r.responsible_unit_id \
             LEFT JOIN assignment ia ON ia.id = r.responsible_assignment_id \
             LEFT JOIN staff_member ist ON ist.id = ia.staff_member_id \
             LEFT JOIN care_contact ic ON ic.id = r.responsible_contact_id \
             WHERE a.id = $5 AND {reach} AND (v.id = a.current_version_id OR NOT EXISTS (SELECT 1 FROM version_item k \
               WHERE k.version_id = a.current_version_id AND k.plan_item_id = m.plan_item_id)) \
             ORDER BY CASE WHEN r.due_on IS NULL THEN 1 ELSE 0 END, r.due_on, i.id",
        unit = unit_columns("iu"),
        staff = staff_columns("ist"),
        reach = reach_sql(who, Noun::Agreement, "a.patient_id", Some("a.care_provider_id")),
    )
}

/// Loads a patient, with `agreement` or else the one that concerns them now. None when out of reach.
pub async fn load(
    session: &Session,
    patient: PatientId,
    agreement: Option<Uuid>,
    wanted: Wanted,
) -> Result<Option<PatientPlan>, Fault> {
    session
        .core
        .db
        .snapshot(async |tx| -> Result<Option<PatientPlan>, Fault> {
            let head = if wanted.preferences { &HEAD_WITH_PREFERENCES } else { &HEAD };
            let rows = query(session, tx, head, [patient.0.into(), Value::Uuid(agreement)]).await?;
            let Some(mut plan) = read_head(session, &rows, wanted)? else { return Ok(None) };
            if let Some(agreement) = &mut plan.agreement {
                version::fill_agreement(session, tx, agreement, wanted.versions).await?;
                let id: Value = agreement.id.id.into();
                let today = to_local(session.now()).date_naive();
                let mut found = Found::load(session, tx, agreement.id.id, wanted.lists, today).await?;
                if wanted.goals || wanted.items {
                    let rows = query(session, tx, &GOALS, [id.clone()]).await?;
                    agreement.goals = read_goals(session, &rows, &mut found)?;
                }
                if wanted.items {
                    let rows = if wanted.life {
                        query(session, tx, &ITEMS_WITH_LIFE, [id, today.into()]).await?
                    } else {
                        query(session, tx, &ITEMS, [id]).await?
                    };
                    agreement.plan_items =
                        read_items(session, &rows, &agreement.goals, wanted.life, &mut found)?;
                }
            }
            if wanted.contacts {
                contact::load(session, tx, &mut plan).await?;
            }
            if wanted.appointments {
                let order = "ap.starts_at DESC, ap.id DESC";
                let found =
                    appointment::of_patient(session, tx, patient.0, "1 = 1", [], order, MOST_APPOINTMENTS)
                        .await?;
                plan.appointments = found.into_iter().map(Arc::new).collect();
            }
            Ok(Some(plan))
        })
        .await
}

async fn query(
    session: &Session,
    db: &impl ConnectionTrait,
    sql: &ByReader,
    own: impl IntoIterator<Item = Value>,
) -> Result<Vec<QueryResult>, Fault> {
    let mut values = reach_values(&session.actor, session.now());
    values.extend(own);
    let statement =
        Statement::from_sql_and_values(db.get_database_backend(), sql.for_session(session), values);
    Ok(db.query_all_raw(statement).await?)
}

fn read_head(session: &Session, rows: &[QueryResult], wanted: Wanted) -> Result<Option<PatientPlan>, Fault> {
    let mut plan: Option<PatientPlan> = None;
    let mut current = Uuid::nil();
    for row in rows {
        let mut cols = Cols::new(row);
        let here = patient_part(session, &mut cols)?;
        let started = agreement_part(session, &mut cols)?;
        let version = opt_version(session, &mut cols)?;
        let preference = if wanted.preferences { preference::opt_preference(&mut cols)? } else { None };
        let plan = plan.get_or_insert(here);
        if let Some((mut agreement, current_version)) = started {
            current = current_version;
            if plan.agreement.is_none()
                && let Some(version) = &version
            {
                agreement.current_version = version.clone();
                plan.agreement = Some(agreement);
            }
        }
        if let (Some(agreement), Some(version)) = (&mut plan.agreement, version) {
            if version.status == VersionStatus::Draft {
                agreement.draft = Some(version.clone());
            }
            let listed = agreement.proposals.iter().any(|p| p.id == version.id);
            if version.id.id == current {
                agreement.current_version = version;
            } else if version.status == VersionStatus::Proposed && !listed {
                agreement.proposals.push(version);
            }
        }
        if let Some(preference) = preference
            && !plan.preferences.iter().any(|p| p.id == preference.id)
        {
            plan.preferences.push(preference);
        }
    }
    // A first version that waits for assent is a proposal too.
    if let Some(agreement) = plan.as_mut().and_then(|p| p.agreement.as_mut())
        && agreement.current_version.status == VersionStatus::Proposed
    {
        agreement.proposals.push(agreement.current_version.clone());
    }
    Ok(plan)
}

fn patient_part(session: &Session, cols: &mut Cols<'_>) -> Result<PatientPlan, Fault> {
    let id = PatientId(cols.take()?);
    let (given_name, family_name) = (cols.take()?, cols.take()?);
    let birth_date = cols.take()?;
    let language = cols.take()?;
    let protected_identity = cols.text_enum()?;
    let deceased_on = cols.opt()?;
    let number = cols.opt::<Uuid>()?.zip(cols.opt_sealed()?);
    let summary = cols.unit()?;
    let (opening, closing): (String, String) = (cols.take()?, cols.take()?);
    let unit = OwnUnit {
        summary,
        hours: Hours::parse(&opening, &closing),
        after_hours_name: cols.opt()?,
        after_hours_phone: cols.opt()?,
    };
    let lead = contact::opt_contact(cols, session)?;
    let next_appointment = appointment::opt_appointment(cols, session)?.map(Arc::new);
    Ok(PatientPlan {
        id,
        given_name,
        family_name,
        birth_date,
        language,
        protected_identity,
        deceased_on,
        number,
        unit,
        agreement: None,
        lead,
        contacts: Vec::new(),
        contacts_ahead: Vec::new(),
        next_appointment,
        preferences: Vec::new(),
        appointments: Vec::new(),
    })
}

/// The agreement without its versions, and the id of the version a reader sees first.
fn agreement_part(session: &Session, cols: &mut Cols<'_>) -> Result<Option<(Agreement, Uuid)>, Fault> {
    let Some(id) = cols.opt::<Uuid>()? else {
        cols.skip(10 + 4);
        return Ok(None);
    };
    let status: agreement::Status = cols.text_enum()?;
    let current: Uuid = cols.take()?;
    let (created_at, updated_at) = (cols.take()?, cols.take()?);
    let group: Option<String> = cols.opt()?;
    let ended_at = cols.opt()?;
    let end_reason: Option<agreement::EndReason> = cols.opt_enum()?;
    let ended_by: Option<ActorKind> = cols.opt_enum()?;
    let end_words = cols.opt_sealed()?;
    let row_version = cols.take()?;
    let care_unit = cols.unit()?;
    let agreement = Agreement {
        id: GlobalId::new(NodeKind::Agreement, id),
        status: status.into(),
        care_unit,
        current_version: AgreementVersion::absent(),
        draft: None,
        proposals: Vec::new(),
        goals: Vec::new(),
        plan_items: Vec::new(),
        created_at,
        updated_at,
        patient_group: group.map(|code| PatientGroup::of(session, code)),
        ended_at,
        end_reason: end_reason.map(Into::into),
        ended_by: ended_by.map(Into::into),
        end_words: session.core.keys.open_opt(Place::new("agreement.end_words", id), end_words.as_ref())?,
        row_version,
    };
    Ok(Some((agreement, current)))
}

impl AgreementVersion {
    /// Stands in until the version's own row is read.
    fn absent() -> Self {
        Self {
            id: GlobalId::new(NodeKind::AgreementVersion, Uuid::nil()),
            number: 0,
            status: agreement_version::Status::Draft.into(),
            title: String::new(),
            story: None,
            what_matters: None,
            shared_goal: None,
            own_responsibility: None,
            self_care: None,
            when_to_seek_help: None,
            how_results_come: None,
            ambition: None,
            resources: None,
            wishes: None,
            warning_signs: Vec::new(),
            as_needed_medication: Vec::new(),
            own_measurements: Vec::new(),
            safety: Vec::new(),
            base_number: None,
            answers_number: None,
            withdrawal: None,
            goals: Vec::new(),
            plan_items: Vec::new(),
            changes: Vec::new(),
            digest: None,
            proposed_by: None,
            proposed_at: None,
            patient_assent: None,
            care_assent: None,
            assents: Vec::new(),
            objected_at: None,
            undecided: None,
            row_version: 0,
        }
    }
}

/// Reads [`VERSION_COLUMNS`].
pub fn opt_version(session: &Session, cols: &mut Cols<'_>) -> Result<Option<AgreementVersion>, Fault> {
    let Some(id) = cols.opt::<Uuid>()? else {
        cols.skip(15);
        return Ok(None);
    };
    let number = cols.take()?;
    let status: agreement_version::Status = cols.text_enum()?;
    let content = Sealed(cols.take()?);
    let (base_number, answers_number) = (cols.opt()?, cols.opt()?);
    let withdrawal: Option<agreement_version::Withdrawal> = cols.opt_enum()?;
    let hash: Option<Vec<u8>> = cols.opt()?;
    let proposed_by: Option<agreement_version::Party> = cols.opt_enum()?;
    let proposed_at = cols.opt()?;
    let patient_assent_at: Option<DateTime<Utc>> = cols.opt()?;
    let patient_assent_kind: Option<ActorKind> = cols.opt_enum()?;
    let patient_assent_given: Option<version_assent::Given> = cols.opt_enum()?;
    let care_assent_at: Option<DateTime<Utc>> = cols.opt()?;
    let objected_at = cols.opt()?;
    let content = version_content(session, id, &content)?;
    Ok(Some(AgreementVersion {
        id: GlobalId::new(NodeKind::AgreementVersion, id),
        number,
        status: status.into(),
        title: content.title,
        story: content.story,
        what_matters: content.what_matters,
        shared_goal: content.shared_goal,
        own_responsibility: content.own_responsibility,
        self_care: content.self_care,
        when_to_seek_help: content.when_to_seek_help,
        how_results_come: content.how_results_come,
        ambition: content.ambition,
        resources: content.resources,
        wishes: content.wishes,
        warning_signs: warning_signs(content.warning_signs),
        as_needed_medication: content.as_needed_medication.into_iter().map(Into::into).collect(),
        own_measurements: content.own_measurements.into_iter().map(Into::into).collect(),
        safety: content.safety.into_iter().map(Into::into).collect(),
        base_number,
        answers_number,
        withdrawal: withdrawal.map(Into::into),
        goals: Vec::new(),
        plan_items: Vec::new(),
        changes: Vec::new(),
        digest: hash.map(hex::encode),
        proposed_by: proposed_by.map(Into::into),
        proposed_at,
        patient_assent: patient_assent_at.zip(patient_assent_kind).map(|(at, by)| Assent {
            at,
            by: by.into(),
            is_oral: patient_assent_given == Some(version_assent::Given::Oral),
        }),
        care_assent: care_assent_at.map(|at| Assent { at, by: ActorKind::Staff.into(), is_oral: false }),
        assents: Vec::new(),
        objected_at,
        undecided: None,
        row_version: cols.take()?,
    }))
}

/// The texts of a version, opened.
pub fn version_content(session: &Session, id: Uuid, content: &Sealed) -> Result<AgreementContent, Fault> {
    let content = session.core.keys.open(Place::new("agreement_version.content", id), content)?;
    serde_json::from_str(&content)
        .map_err(|_| Fault::internal("an agreement version's content is not readable"))
}

/// One version by id.
pub async fn version(
    session: &Session,
    row: &Granted<agreement_version::Model>,
    wanted: VersionsWanted,
) -> Result<Option<AgreementVersion>, Fault> {
    let sql = format!("SELECT {VERSION_COLUMNS} FROM agreement_version v WHERE v.id = $1");
    session
        .core
        .db
        .snapshot(async |tx| -> Result<_, Fault> {
            let statement =
                Statement::from_sql_and_values(tx.get_database_backend(), sql.as_str(), [row.id.0.into()]);
            let found = tx.query_one_raw(statement).await?;
            let mut found =
                found.map(|row| opt_version(session, &mut Cols::new(&row))).transpose()?.flatten();
            version::fill(session, tx, found.iter_mut().collect(), wanted).await?;
            Ok(found)
        })
        .await
}

fn read_goals(session: &Session, rows: &[QueryResult], found: &mut Found) -> Result<Vec<Arc<Goal>>, Fault> {
    let mut goals: Vec<Arc<Goal>> = Vec::with_capacity(rows.len());
    let mut seen = HashSet::with_capacity(rows.len());
    for row in rows {
        let mut cols = Cols::new(row);
        let id: Uuid = cols.take()?;
        if !seen.insert(id) {
            continue;
        }
        let status: goal::Status = cols.text_enum()?;
        let achievement: goal::Achievement = cols.text_enum()?;
        let set_by: agreement_version::Party = cols.text_enum()?;
        let row_version = cols.take()?;
        let revision: Uuid = cols.take()?;
        let text =
            session.core.keys.open(Place::new("goal_revision.text", revision), &Sealed(cols.take()?))?;
        goals.push(Arc::new(Goal {
            id: GlobalId::new(NodeKind::Goal, id),
            text,
            priority: cols.take()?,
            status: status.into(),
            achievement: achievement.into(),
            set_by: set_by.into(),
            target_on: cols.opt()?.map(Date),
            status_reason: session
                .core
                .keys
                .open_opt(Place::new("goal.status_reason", id), cols.opt_sealed()?.as_ref())?,
            status_by: cols.opt_enum::<ActorKind>()?.map(Into::into),
            status_at: cols.opt()?,
            achievement_by: cols.opt_enum::<ActorKind>()?.map(Into::into),
            achievement_at: cols.opt()?,
            latest_notes: found.notes.remove(&id).unwrap_or_default(),
            row_version,
        }));
    }
    Ok(goals)
}

fn read_items(
    session: &Session,
    rows: &[QueryResult],
    goals: &[Arc<Goal>],
    with_life: bool,
    found: &mut Found,
) -> Result<Vec<Arc<PlanItem>>, Fault> {
    let goals: HashMap<Uuid, &Arc<Goal>> = goals.iter().map(|goal| (goal.id.id, goal)).collect();
    let keys = &session.core.keys;
    let sees_notes = allows(Who::from(&session.actor), Noun::WorkNote, Action::Read);
    let today = to_local(session.now()).date_naive();
    let mut items: Vec<Arc<PlanItem>> = Vec::with_capacity(rows.len());
    let mut seen = HashSet::with_capacity(rows.len());
    for row in rows {
        let mut cols = Cols::new(row);
        let id: Uuid = cols.take()?;
        if !seen.insert(id) {
            continue;
        }
        let status: plan_item::Status = cols.text_enum()?;
        let proposed_by: agreement_version::Party = cols.text_enum()?;
        let status_reason = cols.opt_sealed()?;
        let work_note = cols.opt_sealed()?;
        let row_version = cols.take()?;
        let revision: Uuid = cols.take()?;
        let open = |column, sealed: Option<&Sealed>| keys.open_opt(Place::new(column, revision), sealed);
        let category: plan_item_revision::Category = cols.text_enum()?;
        let title = keys.open(Place::new("plan_item_revision.title", revision), &Sealed(cols.take()?))?;
        let description = open("plan_item_revision.description", cols.opt_sealed()?.as_ref())?;
        let owner: plan_item_revision::Owner = cols.text_enum()?;
        let relative_name = open("plan_item_revision.relative_name", cols.opt_sealed()?.as_ref())?;
        let timing: plan_item_revision::Timing = cols.text_enum()?;
        let due_on: Option<NaiveDate> = cols.opt()?;
        let (starts_on, recurrence): (Option<NaiveDate>, Option<String>) = (cols.opt()?, cols.opt()?);
        let trigger = open("plan_item_revision.trigger", cols.opt_sealed()?.as_ref())?;
        let goal = cols.opt::<Uuid>()?.and_then(|id| goals.get(&id).map(|goal| Arc::clone(goal)));
        let result_how = open("plan_item_revision.result_how", cols.opt_sealed()?.as_ref())?;
        let result_by = cols.opt()?;
        let (responsible_unit, responsible_staff) = (cols.opt_unit()?, cols.opt_staff()?);
        let responsible_contact_name = cols.opt()?;
        let columns =
            if with_life { life::Columns::read(session, &mut cols, id)? } else { life::Columns::default() };
        let agreed = life::Agreed {
            item: id,
            revision,
            status,
            owner,
            starts_on,
            due_on,
            recurrence: recurrence.as_deref(),
            result_by,
        };
        let live = if with_life {
            life::live(session, agreed, &columns, found, today)
        } else {
            life::Live::default()
        };
        items.push(Arc::new(PlanItem {
            id: GlobalId::new(NodeKind::PlanItem, id),
            title,
            description,
            category: category.into(),
            status: status.into(),
            status_reason: keys
                .open_opt(Place::new("plan_item.status_reason", id), status_reason.as_ref())?,
            follow_through: follow_through(status, due_on, today),
            owner: owner.into(),
            relative_name,
            responsible_unit,
            responsible_staff,
            responsible_contact_name,
            timing: timing.into(),
            due_on: due_on.map(Date),
            starts_on: starts_on.map(Date),
            recurrence,
            trigger,
            goal,
            result_how,
            result_by: result_by.map(Date),
            proposed_by: proposed_by.into(),
            work_note: if sees_notes {
                Restricted::Shown(keys.open_opt(Place::new("plan_item.work_note", id), work_note.as_ref())?)
            } else {
                Restricted::Hidden
            },
            status_by: columns.status_by.map(Into::into),
            status_at: columns.status_at,
            referral: columns.referral,
            result_told: columns.result_told,
            result_is_overdue: live.result_is_overdue,
            relative_consent: live.relative_consent,
            needs_relative_consent: live.needs_relative_consent,
            care_guarantee: live.care_guarantee,
            next_occurrence_on: live.next_occurrence_on,
            occurrences: live.occurrences,
            concerns: found.concerns.remove(&id).unwrap_or_default(),
            latest_notes: found.notes.remove(&id).unwrap_or_default(),
            row_version,
        }));
    }
    Ok(items)
}

/// How an item stands against its date (avstämning).
pub fn follow_through(
    status: plan_item::Status,
    due_on: Option<NaiveDate>,
    today: NaiveDate,
) -> FollowThrough {
    use plan_item::Status as S;
    match status {
        S::Done => FollowThrough::Done,
        S::NotDone | S::Cancelled => FollowThrough::NotDone,
        S::Proposed | S::Accepted | S::InProgress => match due_on {
            Some(due) if due < today && status != S::Proposed => FollowThrough::Late,
            _ => FollowThrough::Ahead,
        },
    }
}
