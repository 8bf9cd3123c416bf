//! A relative (närstående) who owns an item has said yes to it on record, and needs no login.

use entity::{
    PlanItemId, PlanItemRevisionId,
    plan_item::{self, Status},
    plan_item_revision::Owner,
};
use sea_orm::ActiveValue::Set;
use serde::Serialize;
use serde_json::json;

use super::live::{Live, Told};
use crate::{
    auth::policy::{self, Action, Noun},
    crypto::Place,
    domain::{
        act::{self, Receipt},
        next_step, text,
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// A relative's yes.
#[derive(Clone, Debug, Serialize)]
pub struct RecordConsent {
    pub plan_item: PlanItemId,
    /// Who said yes, and how.
    pub words: String,
    pub expected_row_version: i32,
}

const ACTION: &str = "relativeConsentRecord";

/// Records the yes, by care: who recorded it and when goes with it. It is a yes to the wording as it is now.
pub async fn record(session: &Session, key: &str, cmd: &RecordConsent) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let staff = policy::as_staff(&session.actor, Noun::PlanItem, Action::Set)?;
        let live = Live::take(tx, session, Action::Set, cmd.plan_item).await?;
        let wording = live.agreed()?;
        if wording.owner != Owner::Relative {
            return Err(Problem::new(
                ProblemCode::WrongState,
                "Det är inte en närstående som gör det här.",
                "It is not a relative who does this.",
            )
            .into());
        }
        let mut problems = Vec::new();
        let words = text::required("words", &cmd.words, text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let place = Place::new("plan_item.relative_consent_words", live.item.id.0);
        let row = plan_item::ActiveModel {
            relative_consent_revision_id: Set(Some(wording.id)),
            relative_consent_at: Set(Some(session.now())),
            relative_consent_words: Set(Some(session.core.keys.seal(place, &words)?)),
            relative_consent_by_id: Set(Some(staff.assignment)),
            ..Default::default()
        };
        let told = Told {
            action: ACTION,
            event: "plan_item.relative_consented",
            before: Some(json!({ "relativeConsentAt": live.item.relative_consent_at })),
            after: json!({ "relativeConsentAt": session.now(), "relativeConsent": words }),
        };
        let done = live.write(tx, session, cmd.expected_row_version, row, told).await?;
        next_step::settle(tx, session, live.agreement.id).await?;
        Ok(done)
    })
    .await
}

/// Whether an item counts as agreed by everyone who has a part in it: of a relative's, the relative has said yes to
/// this very wording.
pub fn has_all_consents(
    owner: Owner,
    wording: PlanItemRevisionId,
    consented: Option<PlanItemRevisionId>,
) -> bool {
    owner != Owner::Relative || consented == Some(wording)
}

/// Whether a relative's yes is still missing from an item that patient and care have agreed.
pub fn is_missing(
    status: Status,
    owner: Owner,
    wording: PlanItemRevisionId,
    consented: Option<PlanItemRevisionId>,
) -> bool {
    matches!(status, Status::Accepted | Status::InProgress) && !has_all_consents(owner, wording, consented)
}

/// [`has_all_consents`] as a condition on the aliases of `plan_item` and `plan_item_revision`.
pub fn consented_sql(item: &str, revision: &str) -> String {
    format!("({revision}.owner <> 'RELATIVE' OR {item}.relative_consent_revision_id = {revision}.id)")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    /// "A RELATIVE who owns a plan item has said yes to it on record": to the wording as it is, not to an earlier one.
    #[test]
    fn a_relatives_yes_is_to_one_wording() {
        let (one, two) = (PlanItemRevisionId(Uuid::from_u128(1)), PlanItemRevisionId(Uuid::from_u128(2)));
        assert!(is_missing(Status::Accepted, Owner::Relative, one, None));
        assert!(is_missing(Status::InProgress, Owner::Relative, two, Some(one)));
        assert!(!is_missing(Status::Accepted, Owner::Relative, one, Some(one)));
        assert!(!is_missing(Status::Accepted, Owner::Patient, one, None));
        assert!(!is_missing(Status::Proposed, Owner::Relative, one, None));
    }
}
