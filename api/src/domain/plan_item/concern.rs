//! Concerns: "råden går inte ihop" and "jag klarar inte detta nu", said of any item, answered by care.
//!
//! A concern is a task of care from the moment it is raised, in the same transaction. It ends when care answers in
//! words that the patient sees, or when the patient takes it back; care cannot close it silently.

use chrono::{DateTime, Utc};
use entity::{
    AgreementId, ItemConcernId, PlanItemId,
    access_event::ActorKind,
    item_concern::{self, Kind, Status},
    plan_item, task,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde::Serialize;
use serde_json::json;

use super::live::{Live, row_about};
use crate::{
    auth::policy::{self, Action, Granted, Noun},
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Receipt, by},
        history::{Change, Owner},
        next_step,
        notice::{News, news},
        task::{Ending, Raise, words::Words},
        text,
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// A concern about an item.
#[derive(Clone, Debug, Serialize)]
pub struct RaiseConcern {
    pub plan_item: PlanItemId,
    pub kind: Kind,
    pub words: Option<String>,
}

const RAISE: &str = "planItemConcernRaise";

/// Raises a concern, by the patient, or by staff who take it down for the patient.
pub async fn raise(session: &Session, key: &str, cmd: &RaiseConcern) -> Result<Receipt, Fault> {
    act::perform(session, RAISE, key, cmd, async |tx| {
        policy::check(&session.actor, Noun::Concern, Action::Create)?;
        let live = Live::take(tx, session, Action::Read, cmd.plan_item).await?;
        let mut problems = Vec::new();
        let words = text::optional("words", cmd.words.as_deref(), text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        if live.item.status == plan_item::Status::Cancelled {
            return Err(Problem::new(
                ProblemCode::WrongState,
                "Insatsen är inställd. Skriv till din kontakt om det är något annat.",
                "The item has been called off. Write to your contact if there is something else.",
            )
            .into());
        }
        let id = ItemConcernId(session.core.clock.uuid());
        item_concern::Entity::insert(item_concern::ActiveModel {
            id: Set(id),
            kind: Set(cmd.kind),
            words: Set(session
                .core
                .keys
                .seal_opt(Place::new("item_concern.words", id.0), words.as_deref())?),
            status: Set(Status::Open),
            created_at: Set(session.now()),
            row_version: Set(1),
            ..row_about!(item_concern, live, session)
        })
        .exec_without_returning(tx)
        .await
        .map_err(|e| act::on_unique(e, already_said))?;
        let owner: Owner = (&*live.agreement).into();
        let turn_to = next_step::turn_to(tx, session, &live.agreement).await?;
        let raised = Raise {
            kind: task::Kind::ItemConcern,
            owner: Owner { care_unit: turn_to.care_unit, ..owner },
            assignee: turn_to.assignee,
            subject: id.0,
            due_at: answer_by(session),
            note: words.clone().map(Words::Own),
        };
        crate::domain::task::raise(tx, session, &raised).await?;
        let change = Change {
            kind: "item_concern",
            subject: id.0,
            before: None,
            after: Some(json!({ "kind": cmd.kind, "words": words, "status": Status::Open })),
        };
        live.tell(tx, session, RAISE, "plan_item.concern_raised", change).await?;
        Ok(live.done().with("concern", id.0))
    })
    .await
}

/// The end of the last working day on which care may answer.
fn answer_by(session: &Session) -> DateTime<Utc> {
    let days = session.core.settings.plan.concern_answer_working_days;
    next_step::end_of_working_day(session.now(), days)
}

fn already_said() -> Problem {
    Problem::new(
        ProblemCode::Conflict,
        "Det är redan sagt om den här insatsen och väntar på svar från vården.",
        "This has already been said of the item, and waits for an answer from care.",
    )
}

/// Care's answer to a concern.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    pub concern: ItemConcernId,
    pub answer: String,
    pub expected_row_version: i32,
}

const ANSWER: &str = "planItemConcernAnswer";

/// Answers, in words that the patient sees. It ends the task, and the patient is told.
pub async fn answer(session: &Session, key: &str, cmd: &Answer) -> Result<Receipt, Fault> {
    act::perform(session, ANSWER, key, cmd, async |tx| {
        let concern = reach(tx, session, Action::End, cmd.concern).await?;
        let mut problems = Vec::new();
        let words = text::required("answer", &cmd.answer, text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let live = Live::take(tx, session, Action::Read, concern.plan_item_id).await?;
        let place = Place::new("item_concern.answer", concern.id.0);
        let row = item_concern::ActiveModel {
            answer: Set(Some(session.core.keys.seal(place, &words)?)),
            ..Default::default()
        };
        end(tx, session, &concern, Status::Answered, row, cmd.expected_row_version).await?;
        close_task(tx, session, concern.id, Ending::Done, Some(Words::own(&words))).await?;
        news::tell_of(tx, session, (&*live.agreement).into(), concern.id.0, News::Answer).await?;
        ended(tx, session, &live, &concern, ANSWER, Status::Answered, Some(&words)).await
    })
    .await
}

/// A concern that is taken back.
#[derive(Clone, Debug, Serialize)]
pub struct Withdraw {
    pub concern: ItemConcernId,
    pub expected_row_version: i32,
}

const WITHDRAW: &str = "planItemConcernWithdraw";

/// Takes a concern back: the patient any, staff what staff took down for the patient. Another's they cannot silence.
pub async fn withdraw(session: &Session, key: &str, cmd: &Withdraw) -> Result<Receipt, Fault> {
    act::perform(session, WITHDRAW, key, cmd, async |tx| {
        let concern = reach(tx, session, Action::Cancel, cmd.concern).await?;
        if session.actor.staff().is_some() && concern.by_kind != ActorKind::Staff {
            return Err(Problem::new(
                ProblemCode::Forbidden,
                "Patienten har sagt det här själv, och bara patienten kan ta tillbaka det. Svara i stället.",
                "The patient has said this, and only the patient can take it back. Answer it instead.",
            )
            .into());
        }
        let live = Live::take(tx, session, Action::Read, concern.plan_item_id).await?;
        let row = item_concern::ActiveModel::default();
        end(tx, session, &concern, Status::Withdrawn, row, cmd.expected_row_version).await?;
        close_task(tx, session, concern.id, Ending::Withdrawn, None).await?;
        ended(tx, session, &live, &concern, WITHDRAW, Status::Withdrawn, None).await
    })
    .await
}

async fn reach(
    tx: &Tx,
    session: &Session,
    action: Action,
    id: ItemConcernId,
) -> Result<Granted<item_concern::Model>, Stop> {
    policy::reach::<item_concern::Entity>(tx, &session.actor, action, id, "concernId", session.now()).await
}

/// The agreement has ended: what care has not answered is not answered any more.
pub(in crate::domain) async fn agreement_ended(
    tx: &Tx,
    session: &Session,
    agreement: AgreementId,
) -> Result<Vec<Change>, Stop> {
    let open = item_concern::Entity::find()
        .filter(item_concern::Column::AgreementId.eq(agreement))
        .filter(item_concern::Column::Status.eq(Status::Open))
        .order_by_asc(item_concern::Column::Id)
        .all(tx)
        .await?;
    let mut changes = Vec::new();
    for row in open {
        end(tx, session, &row, Status::Ended, item_concern::ActiveModel::default(), row.row_version).await?;
        changes.push(Change {
            kind: "item_concern",
            subject: row.id.0,
            before: Some(json!({ "status": Status::Open })),
            after: Some(json!({ "status": Status::Ended })),
        });
    }
    Ok(changes)
}

/// Ends an open concern, once.
async fn end(
    tx: &Tx,
    session: &Session,
    concern: &item_concern::Model,
    status: Status,
    mut row: item_concern::ActiveModel,
    expected_row_version: i32,
) -> Result<(), Stop> {
    if concern.status != Status::Open {
        return Err(Problem::new(
            ProblemCode::WrongState,
            "Det är redan besvarat eller återtaget, eller så är patientkontraktet avslutat.",
            "It has already been answered or taken back, or the agreement has ended.",
        )
        .into());
    }
    let (by_kind, by_id) = by(session);
    row.status = Set(status);
    row.ended_by_kind = Set(Some(by_kind));
    row.ended_by_id = Set(Some(by_id));
    row.ended_at = Set(Some(session.now()));
    row.row_version = Set(expected_row_version.saturating_add(1));
    let changed = item_concern::Entity::update_many()
        .set(row)
        .filter(item_concern::Column::Id.eq(concern.id))
        .filter(item_concern::Column::Status.eq(Status::Open))
        .filter(item_concern::Column::RowVersion.eq(expected_row_version))
        .exec(tx)
        .await?;
    if changed.rows_affected == 1 { Ok(()) } else { Err(Problem::stale().into()) }
}

async fn close_task(
    tx: &Tx,
    session: &Session,
    concern: ItemConcernId,
    ending: Ending,
    words: Option<Words>,
) -> Result<(), Fault> {
    crate::domain::task::end(tx, session, task::Kind::ItemConcern, concern.0, ending, words).await?;
    Ok(())
}

async fn ended(
    tx: &Tx,
    session: &Session,
    live: &Live,
    concern: &item_concern::Model,
    action: &'static str,
    status: Status,
    words: Option<&str>,
) -> Result<Done, Stop> {
    let change = Change {
        kind: "item_concern",
        subject: concern.id.0,
        before: Some(json!({ "status": Status::Open })),
        after: Some(json!({ "status": status, "answer": words })),
    };
    live.tell(tx, session, action, "plan_item.concern_ended", change).await?;
    Ok(live.done().with("concern", concern.id.0))
}
