//! The live part of goals and items: columns that are read when they are asked for, and lists of an agreement, each
//! in one flat statement.

use std::collections::HashMap;

use async_graphql::Lookahead;
use chrono::{DateTime, NaiveDate, Utc};
use entity::{
    PatientId, Sealed, access_event::ActorKind, guarantee_pause, item_concern, plan_item, plan_item_mark,
    plan_item_revision,
};
use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};
use uuid::Uuid;

use super::{
    cols::Cols,
    recurring::{self, Marks, Recurring},
};
use crate::{
    auth::policy::{Noun, Who, reach_sql, reach_values},
    crypto::Place,
    domain::plan_item::{guarantee, recurrence, relative, result, rules},
    error::Fault,
    graphql::{
        page::{Page, PageRequest},
        scalars::{Date, GlobalId, NodeKind},
        types::{
            agreement::FollowThrough,
            life::{
                CareGuarantee, CareGuaranteePause, PlanItemConcern, PlanItemOccurrence, ProgressNote,
                Referral, RelativeConsent, ResultTold,
            },
        },
    },
    session::Session,
};

/// Notes shown with a goal or item.
const LATEST_NOTES: usize = 5;
/// Concerns shown with an item.
const LATEST_CONCERNS: usize = 20;

/// Which lists of an agreement are asked for: one statement each.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lists {
    pub notes: bool,
    pub concerns: bool,
    pub marks: bool,
    pub pauses: bool,
}

impl Lists {
    pub const ALL: Self = Self { notes: true, concerns: true, marks: true, pauses: true };

    /// What a selection of goals and one of items ask for.
    pub fn asked(goals: &Lookahead<'_>, items: &Lookahead<'_>) -> Self {
        let notes = items.field("latestNotes").exists()
            || goals.field("latestNotes").exists()
            || items.field("goal").field("latestNotes").exists();
        Self {
            notes,
            concerns: items.field("concerns").exists(),
            marks: items.field("occurrences").exists(),
            pauses: items.field("careGuarantee").exists(),
        }
    }

    /// Both selections' lists.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self {
            notes: self.notes || other.notes,
            concerns: self.concerns || other.concerns,
            marks: self.marks || other.marks,
            pauses: self.pauses || other.pauses,
        }
    }
}

/// Whether a selection of items asks for what follows from [`columns`].
pub fn asks_for_columns(items: &Lookahead<'_>) -> bool {
    [
        "followThrough",
        "statusBy",
        "statusAt",
        "referral",
        "resultTold",
        "resultIsOverdue",
        "relativeConsent",
        "needsRelativeConsent",
        "careGuarantee",
        "nextOccurrenceOn",
        "occurrences",
    ]
    .into_iter()
    .any(|field| items.field(field).exists())
}

/// The live columns of `i` (`plan_item`), which stand last in their statement, with those of [`recurring`].
pub fn columns() -> String {
    format!("{COLUMNS}, {}", recurring::columns())
}

const COLUMNS: &str = "i.status_by_kind, i.status_at, i.referral_state, i.referral_on, i.result_told_on, \
     i.result_told_how, i.relative_consent_revision_id, i.relative_consent_at, i.relative_consent_words, \
     (SELECT sm.display_name FROM assignment sa JOIN staff_member sm ON sm.id = sa.staff_member_id \
       WHERE sa.id = i.relative_consent_by_id), \
     i.guarantee_kind, i.guarantee_from";

/// What [`columns`] hold.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    pub status_by: Option<ActorKind>,
    pub status_at: Option<DateTime<Utc>>,
    pub referral: Option<Referral>,
    pub result_told: Option<ResultTold>,
    #[expect(clippy::type_complexity, reason = "columns as they are read")]
    pub relative_consent: Option<(Uuid, DateTime<Utc>, Option<String>, Option<String>)>,
    pub guarantee: Option<(plan_item::GuaranteeKind, NaiveDate)>,
    pub marks: Marks,
}

impl Columns {
    /// Reads [`columns`] of the item `id`.
    pub fn read(session: &Session, cols: &mut Cols<'_>, id: Uuid) -> Result<Self, Fault> {
        let keys = &session.core.keys;
        let open = |column, sealed: Option<Sealed>| keys.open_opt(Place::new(column, id), sealed.as_ref());
        let (status_by, status_at) = (cols.opt_enum()?, cols.opt()?);
        let referral = cols.opt_enum::<plan_item::ReferralState>()?.zip(cols.opt::<NaiveDate>()?);
        let told_on: Option<NaiveDate> = cols.opt()?;
        let told_how = open("plan_item.result_told_how", cols.opt_sealed()?)?;
        let consent = cols.opt::<Uuid>()?.zip(cols.opt::<DateTime<Utc>>()?);
        let words = open("plan_item.relative_consent_words", cols.opt_sealed()?)?;
        let recorded_by: Option<String> = cols.opt()?;
        let guarantee = cols.opt_enum::<plan_item::GuaranteeKind>()?.zip(cols.opt::<NaiveDate>()?);
        Ok(Self {
            status_by,
            status_at,
            referral: referral.map(|(state, since)| Referral { state: state.into(), since: Date(since) }),
            result_told: told_on.zip(told_how).map(|(on, how)| ResultTold { on: Date(on), how }),
            relative_consent: consent.map(|(revision, at)| (revision, at, words, recorded_by)),
            guarantee,
            marks: Marks::read(cols)?,
        })
    }
}

/// The agreed facts that the live ones are held against.
#[derive(Clone, Copy, Debug)]
pub struct Agreed<'a> {
    pub item: Uuid,
    pub revision: Uuid,
    pub status: plan_item::Status,
    pub owner: plan_item_revision::Owner,
    pub category: plan_item_revision::Category,
    pub recurring: Option<Recurring<'a>>,
    pub result_by: Option<NaiveDate>,
}

/// The live part of one item, as the schema shows it.
#[derive(Clone, Debug, Default)]
pub struct Live {
    pub result_is_overdue: bool,
    pub relative_consent: Option<RelativeConsent>,
    pub needs_relative_consent: bool,
    pub care_guarantee: Option<CareGuarantee>,
    pub next_occurrence_on: Option<Date>,
    pub occurrences: Vec<PlanItemOccurrence>,
}

/// Works out what follows from the columns and lists on `today`.
pub fn live(
    session: &Session,
    agreed: Agreed<'_>,
    columns: &Columns,
    found: &Found,
    today: NaiveDate,
) -> Live {
    let wording = plan_item_revision_id(agreed.revision);
    let consented = columns.relative_consent.as_ref().map(|(revision, ..)| plan_item_revision_id(*revision));
    let told_on = columns.result_told.as_ref().map(|told| told.on.0);
    let goes_on = !rules::is_closed(agreed.status);
    Live {
        result_is_overdue: result::is_overdue(agreed.status, agreed.result_by, told_on, today),
        relative_consent: columns.relative_consent.clone().map(|(revision, at, words, by)| RelativeConsent {
            words,
            recorded_at: at,
            recorded_by: by,
            is_current: revision == agreed.revision,
        }),
        needs_relative_consent: relative::is_missing(agreed.status, agreed.owner, wording, consented),
        care_guarantee: columns
            .guarantee
            .filter(|_| agreed.status != plan_item::Status::Cancelled)
            .filter(|_| guarantee::may_run(agreed.owner, agreed.category).is_ok())
            .map(|(kind, from)| care_guarantee(session, agreed, kind, from, columns, found, today)),
        next_occurrence_on: agreed.recurring.filter(|_| goes_on).and_then(|of| of.next()).map(Date),
        occurrences: agreed.recurring.filter(|_| found.lists.marks).map_or_else(Vec::new, |of| {
            let days = recurrence::days(of.rule, of.first, of.last, recurring::shown_from(today), today);
            days.into_iter().rev().map(|day| occurrence(agreed, day, found, today)).collect()
        }),
    }
}

fn plan_item_revision_id(id: Uuid) -> entity::PlanItemRevisionId {
    entity::PlanItemRevisionId(id)
}

fn occurrence(agreed: Agreed<'_>, day: NaiveDate, found: &Found, today: NaiveDate) -> PlanItemOccurrence {
    let mark = found.marks.get(&(agreed.item, day));
    PlanItemOccurrence {
        on: Date(day),
        follow_through: match mark.map(|mark| mark.outcome) {
            Some(plan_item_mark::Outcome::Done) => FollowThrough::Done,
            Some(plan_item_mark::Outcome::NotDone) => FollowThrough::NotDone,
            None if day < today => FollowThrough::Late,
            None => FollowThrough::Ahead,
        },
        reason: mark.and_then(|mark| mark.reason.clone()),
        by: mark.map(|mark| mark.by.into()),
    }
}

fn care_guarantee(
    session: &Session,
    agreed: Agreed<'_>,
    kind: plan_item::GuaranteeKind,
    from: NaiveDate,
    columns: &Columns,
    found: &Found,
    today: NaiveDate,
) -> CareGuarantee {
    let rules = &session.core.settings.plan.guarantee;
    let pauses = found.pauses.get(&agreed.item).map_or(&[][..], Vec::as_slice);
    let done_on = guarantee::done_on(agreed.status, columns.status_at);
    let clock = guarantee::clock(rules, kind, from, pauses, done_on, today);
    CareGuarantee {
        kind: kind.into(),
        from: Date(from),
        days: i32::from(rules.days(kind)),
        last_day: clock.last_day.map(Date),
        days_left: clock.days_left,
        kept: clock.kept,
        is_paused: clock.paused,
        pauses: pauses
            .iter()
            .map(|pause| CareGuaranteePause {
                kind: pause.kind.into(),
                from: Date(pause.from),
                until: pause.until.map(Date),
            })
            .collect(),
    }
}

/// A mark of one occurrence.
#[derive(Clone, Debug)]
pub struct MarkRow {
    outcome: plan_item_mark::Outcome,
    reason: Option<String>,
    by: ActorKind,
}

/// The lists of an agreement that were asked for, by what they are about.
#[derive(Clone, Debug, Default)]
pub struct Found {
    lists: Lists,
    pub notes: HashMap<Uuid, Vec<ProgressNote>>,
    pub concerns: HashMap<Uuid, Vec<PlanItemConcern>>,
    marks: HashMap<(Uuid, NaiveDate), MarkRow>,
    pauses: HashMap<Uuid, Vec<guarantee::Pause>>,
}

impl Found {
    /// Reads the lists of an agreement, one statement for each that is asked for.
    pub async fn load(
        session: &Session,
        db: &impl ConnectionTrait,
        agreement: Uuid,
        lists: Lists,
        today: NaiveDate,
    ) -> Result<Self, Fault> {
        let mut found = Self { lists, ..Self::default() };
        if lists.notes {
            let newest = newest_of(
                session,
                Noun::ProgressNote,
                "progress_note",
                "COALESCE(x.goal_id, x.plan_item_id)",
                LATEST_NOTES,
            );
            let sql = format!("SELECT {NOTE_COLUMNS} FROM ({newest}) n {NOTE_JOINS} ORDER BY n.id DESC");
            for row in query(session, db, sql, [agreement.into()]).await? {
                let note = read_note(session, &mut Cols::new(&row))?;
                found.notes.entry(note.about.id).or_default().push(note);
            }
        }
        if lists.concerns {
            let newest = newest_of(session, Noun::Concern, "item_concern", "x.plan_item_id", LATEST_CONCERNS);
            let sql =
                format!("SELECT n.plan_item_id, {CONCERN_COLUMNS} FROM ({newest}) n ORDER BY n.id DESC");
            for row in query(session, db, sql, [agreement.into()]).await? {
                let mut cols = Cols::new(&row);
                let item = cols.take()?;
                found.concerns.entry(item).or_default().push(read_concern(session, &mut cols)?);
            }
        }
        if lists.marks {
            let from = recurring::shown_from(today);
            let sql = format!(
                "SELECT x.plan_item_id, x.on_day, x.id, x.outcome, x.reason, x.by_kind FROM plan_item_mark x \
                 WHERE {} AND x.agreement_id = $5 AND x.on_day >= $6",
                reach(session, Noun::PlanItem)
            );
            for row in query(session, db, sql, [agreement.into(), from.into()]).await? {
                let mut cols = Cols::new(&row);
                let key = (cols.take()?, cols.take()?);
                let id: Uuid = cols.take()?;
                let outcome = cols.text_enum()?;
                let reason = session
                    .core
                    .keys
                    .open_opt(Place::new("plan_item_mark.reason", id), cols.opt_sealed()?.as_ref())?;
                found.marks.insert(key, MarkRow { outcome, reason, by: cols.text_enum()? });
            }
        }
        if lists.pauses {
            let sql = format!(
                "SELECT x.plan_item_id, x.kind, x.from_day, x.until_day FROM guarantee_pause x \
                 WHERE {} AND x.agreement_id = $5 ORDER BY x.from_day, x.id",
                reach(session, Noun::PlanItem)
            );
            for row in query(session, db, sql, [agreement.into()]).await? {
                let mut cols = Cols::new(&row);
                let item = cols.take()?;
                let kind: guarantee_pause::Kind = cols.text_enum()?;
                let pause = guarantee::Pause { kind, from: cols.take()?, until: cols.opt()? };
                found.pauses.entry(item).or_default().push(pause);
            }
        }
        Ok(found)
    }
}

/// The newest rows of each group of an agreement (`$5`), within reach.
fn newest_of(session: &Session, noun: Noun, table: &str, group: &str, most: usize) -> String {
    format!(
        "SELECT * FROM (SELECT x.*, ROW_NUMBER() OVER (PARTITION BY {group} ORDER BY x.id DESC) AS place \
         FROM {table} x WHERE {} AND x.agreement_id = $5) ranked WHERE place <= {most}",
        reach(session, noun)
    )
}

fn reach(session: &Session, noun: Noun) -> String {
    reach_sql(Who::from(&session.actor), noun, "x.patient_id", Some("x.care_provider_id"))
}

async fn query(
    session: &Session,
    db: &impl ConnectionTrait,
    sql: String,
    own: impl IntoIterator<Item = Value>,
) -> Result<Vec<QueryResult>, Fault> {
    let mut values = reach_values(&session.actor, session.now());
    values.extend(own);
    Ok(db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?)
}

/// The columns of a [`ProgressNote`] for `n`, with [`NOTE_JOINS`].
const NOTE_COLUMNS: &str = "n.id, n.text, n.goal_id, n.plan_item_id, n.by_kind, nm.display_name, n.created_at, \
     n.corrects_id, CASE WHEN EXISTS (SELECT 1 FROM progress_note l WHERE l.corrects_id = n.id) THEN 1 ELSE 0 END";

const NOTE_JOINS: &str = "LEFT JOIN assignment na ON n.by_kind = 'STAFF' AND na.id = n.by_id \
     LEFT JOIN staff_member nm ON nm.id = na.staff_member_id";

fn read_note(session: &Session, cols: &mut Cols<'_>) -> Result<ProgressNote, Fault> {
    let id: Uuid = cols.take()?;
    let text = session.core.keys.open(Place::new("progress_note.text", id), &Sealed(cols.take()?))?;
    let (goal, item): (Option<Uuid>, Option<Uuid>) = (cols.opt()?, cols.opt()?);
    let about = goal
        .map(|goal| GlobalId::new(NodeKind::Goal, goal))
        .or(item.map(|item| GlobalId::new(NodeKind::PlanItem, item)))
        .ok_or_else(|| Fault::internal("a note about nothing"))?;
    let by: ActorKind = cols.text_enum()?;
    Ok(ProgressNote {
        id: GlobalId::new(NodeKind::ProgressNote, id),
        text,
        about,
        by: by.into(),
        author_name: cols.opt()?,
        created_at: cols.take()?,
        corrects: cols.opt::<Uuid>()?.map(|id| GlobalId::new(NodeKind::ProgressNote, id)),
        is_corrected: cols.take::<i32>()? == 1,
    })
}

const CONCERN_COLUMNS: &str =
    "n.id, n.kind, n.words, n.status, n.by_kind, n.created_at, n.answer, n.ended_at, n.row_version";

fn read_concern(session: &Session, cols: &mut Cols<'_>) -> Result<PlanItemConcern, Fault> {
    let id: Uuid = cols.take()?;
    let keys = &session.core.keys;
    let kind: item_concern::Kind = cols.text_enum()?;
    let words = keys.open_opt(Place::new("item_concern.words", id), cols.opt_sealed()?.as_ref())?;
    let status: item_concern::Status = cols.text_enum()?;
    let by: ActorKind = cols.text_enum()?;
    Ok(PlanItemConcern {
        id: GlobalId::new(NodeKind::PlanItemConcern, id),
        kind: kind.into(),
        words,
        status: status.into(),
        by: by.into(),
        raised_at: cols.take()?,
        answer: keys.open_opt(Place::new("item_concern.answer", id), cols.opt_sealed()?.as_ref())?,
        ended_at: cols.opt()?,
        row_version: cols.take()?,
    })
}

/// One note by id, with its patient.
pub async fn note(session: &Session, id: Uuid) -> Result<Option<(PatientId, ProgressNote)>, Fault> {
    let sql = format!(
        "SELECT n.patient_id, {NOTE_COLUMNS} FROM progress_note n {NOTE_JOINS} WHERE {} AND n.id = $5",
        reach_sql(Who::from(&session.actor), Noun::ProgressNote, "n.patient_id", Some("n.care_provider_id"))
    );
    one(session, sql, id, read_note).await
}

/// One concern by id, with its patient.
pub async fn concern(session: &Session, id: Uuid) -> Result<Option<(PatientId, PlanItemConcern)>, Fault> {
    let sql = format!(
        "SELECT n.patient_id, {CONCERN_COLUMNS} FROM item_concern n WHERE {} AND n.id = $5",
        reach_sql(Who::from(&session.actor), Noun::Concern, "n.patient_id", Some("n.care_provider_id"))
    );
    one(session, sql, id, read_concern).await
}

async fn one<T>(
    session: &Session,
    sql: String,
    id: Uuid,
    read: impl FnOnce(&Session, &mut Cols<'_>) -> Result<T, Fault>,
) -> Result<Option<(PatientId, T)>, Fault> {
    let rows = session
        .core
        .db
        .read(async |db| -> Result<_, Fault> { query(session, db, sql, [id.into()]).await })
        .await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let mut cols = Cols::new(row);
    let patient = PatientId(cols.take()?);
    Ok(Some((patient, read(session, &mut cols)?)))
}

/// A page of a patient's notes, the latest first: all of them, or those about one goal or item.
pub async fn notes(
    session: &Session,
    patient: PatientId,
    about: Option<Uuid>,
    request: &PageRequest<Uuid>,
) -> Result<Page<ProgressNote>, Fault> {
    let sql = format!(
        "SELECT {NOTE_COLUMNS} FROM progress_note n {NOTE_JOINS} WHERE {} AND n.patient_id = $5 \
         AND ($6 = 0 OR n.goal_id = $7 OR n.plan_item_id = $7) AND ($8 = 0 OR n.id < $9) ORDER BY n.id DESC LIMIT $10",
        reach_sql(Who::from(&session.actor), Noun::ProgressNote, "n.patient_id", Some("n.care_provider_id"))
    );
    let limit = i64::try_from(request.first + 1).unwrap_or(i64::MAX);
    let own: [Value; 6] = [
        patient.0.into(),
        i32::from(about.is_some()).into(),
        about.unwrap_or_default().into(),
        i32::from(request.after.is_some()).into(),
        request.after.unwrap_or_default().into(),
        limit.into(),
    ];
    let rows =
        session.core.db.read(async |db| -> Result<_, Fault> { query(session, db, sql, own).await }).await?;
    let notes = rows.iter().map(|row| read_note(session, &mut Cols::new(row))).collect::<Result<_, _>>()?;
    Ok(Page::of_rows(notes, request, |note: &ProgressNote| note.id.id))
}
