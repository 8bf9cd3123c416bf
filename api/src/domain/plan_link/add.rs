//! Linking an existing plan.

use chrono::NaiveDate;
use entity::{
    AgreementId, PlanLinkId,
    plan_link::{self, Kind},
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use crate::{
    auth::policy::{self, Action, Noun},
    crypto::Place,
    domain::{
        act::{self, Done, Receipt},
        agreement::{
            rules,
            version::{Locked, event},
        },
        history::{self, Change},
        text,
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// How many links an agreement has at most.
const MOST: u64 = 30;
/// How many parties outside care one plan names at most.
const MOST_PARTIES: usize = 20;
/// Of a link, in characters.
const URL: usize = 500;

/// Which plan, and where it is kept.
#[derive(Clone, Debug, Serialize)]
pub struct Add {
    pub agreement: AgreementId,
    pub kind: Kind,
    pub title: String,
    pub holder: String,
    pub reference: Option<String>,
    pub url: Option<String>,
    pub dated_on: Option<NaiveDate>,
    pub parties: Vec<String>,
    pub fulfils: bool,
}

const ACTION: &str = "planLinkAdd";

/// What was written, checked.
struct Checked {
    title: String,
    holder: String,
    reference: Option<String>,
    url: Option<String>,
    parties: Vec<String>,
}

/// Links the plan. Nothing of it is copied, and nothing in it is changed.
pub async fn add(session: &Session, key: &str, cmd: &Add) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (now, keys) = (session.now(), &session.core.keys);
        policy::check(&session.actor, Noun::PlanLink, Action::Create)?;
        let mut agreement = Locked::reach(tx, session, Action::Read, cmd.agreement).await?;
        let checked = checked(session, cmd)?;
        rules::not_ended(agreement.status)?;
        let standing = plan_link::Entity::find()
            .filter(plan_link::Column::AgreementId.eq(agreement.id))
            .filter(plan_link::Column::RemovedAt.is_null())
            .count(tx)
            .await?;
        if standing >= MOST {
            return Err(Problem::new(
                ProblemCode::Conflict,
                format!("Patientkontraktet har redan {MOST} länkar, som är det högsta antalet."),
                format!("The agreement has {MOST} links already, which is the highest number."),
            )
            .into());
        }
        let id = PlanLinkId(session.core.clock.uuid());
        let (added_by_kind, added_by_id) = act::by(session);
        let parties = serde_json::to_string(&checked.parties).map_err(Fault::internal)?;
        let parties = (!checked.parties.is_empty()).then_some(parties);
        let seal = |column, value: Option<&str>| keys.seal_opt(Place::new(column, id.0), value);
        let row = plan_link::Model {
            id,
            agreement_id: agreement.id,
            patient_id: agreement.patient_id,
            care_unit_id: agreement.care_unit_id,
            care_provider_id: agreement.care_provider_id,
            kind: cmd.kind,
            title: keys.seal(Place::new("plan_link.title", id.0), &checked.title)?,
            holder: keys.seal(Place::new("plan_link.holder", id.0), &checked.holder)?,
            reference: seal("plan_link.reference", checked.reference.as_deref())?,
            url: seal("plan_link.url", checked.url.as_deref())?,
            dated_on: cmd.dated_on,
            parties: seal("plan_link.parties", parties.as_deref())?,
            fulfils: cmd.fulfils,
            added_by_kind,
            added_by_id,
            added_at: now,
            removed_at: None,
            removed_by_kind: None,
            removed_by_id: None,
            remove_reason: None,
            row_version: 1,
        };
        plan_link::Entity::insert(plan_link::ActiveModel::from(row.clone()))
            .exec_without_returning(tx)
            .await
            .map_err(|e| act::on_unique(e, another_is_it))?;
        let (status, current) = (agreement.status, agreement.current_version_id);
        agreement.touch(tx, session, status, current).await?;
        let change = Change {
            kind: "plan_link",
            subject: id.0,
            before: None,
            after: Some(json!({
                "kind": cmd.kind, "title": checked.title, "holder": checked.holder,
                "reference": checked.reference, "url": checked.url, "datedOn": cmd.dated_on,
                "parties": checked.parties, "fulfils": cmd.fulfils,
            })),
        };
        history::record(tx, session, (&row).into(), ACTION, [change]).await?;
        act::emit(tx, session, [event(&agreement, "agreement.plan_linked", id.0)]).await?;
        Ok(Done::on(agreement.patient_id).with("link", id.0))
    })
    .await
}

/// Every problem at once.
fn checked(session: &Session, cmd: &Add) -> Result<Checked, Vec<Problem>> {
    let mut problems = Vec::new();
    let title = text::required("title", &cmd.title, text::TITLE, &mut problems);
    let holder = text::required("holder", &cmd.holder, text::TITLE, &mut problems);
    let reference = text::optional("reference", cmd.reference.as_deref(), text::TITLE, &mut problems);
    let url = text::optional("url", cmd.url.as_deref(), URL, &mut problems);
    if url.as_deref().is_some_and(|url| !is_https(url)) {
        problems.push(Problem::input(
            "url",
            "Länken måste börja med https:// och peka på en server.",
            "The link must begin with https:// and name a server.",
        ));
    }
    if cmd.parties.len() > MOST_PARTIES {
        problems.push(Problem::input(
            "parties",
            format!("Högst {MOST_PARTIES} parter."),
            format!("At most {MOST_PARTIES} parties."),
        ));
    }
    let parties = cmd
        .parties
        .iter()
        .take(MOST_PARTIES)
        .map(|party| text::required("parties", party, text::TITLE, &mut problems))
        .collect();
    // That a plan counts as the agreement is care's to judge.
    if cmd.fulfils && session.actor.staff().is_none() {
        problems.push(Problem::input(
            "fulfils",
            "Bara vården kan ange att en plan är själva patientkontraktet.",
            "Only care can say that a plan is the agreement itself.",
        ));
    }
    if problems.is_empty() { Ok(Checked { title, holder, reference, url, parties }) } else { Err(problems) }
}

/// An address of a server, without anybody's name and password in it.
fn is_https(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    !host.is_empty() && host.contains('.') && host.chars().all(plain) && !url.contains(char::is_whitespace)
}

fn another_is_it() -> Problem {
    Problem::new(
        ProblemCode::Conflict,
        "En annan plan är redan själva patientkontraktet. Avsluta den länken först.",
        "Another plan is the agreement itself already. End that link first.",
    )
    .at("fulfils")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_goes_to_a_server_over_https_and_carries_nobodys_password() {
        for good in ["https://plan.example.se/sip/1", "https://plan.example.se:8443?x=1"] {
            assert!(is_https(good), "{good}");
        }
        for bad in [
            "http://plan.example.se",
            "javascript:alert(1)",
            "https://",
            "https://a b.se",
            "https://u:p@x.se",
        ] {
            assert!(!is_https(bad), "{bad}");
        }
    }
}
