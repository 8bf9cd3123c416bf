//! What every mutation answers: the object as it is now, and why it was refused.

use async_graphql::Result;
use entity::{AgreementId, PlanItemId};
use uuid::Uuid;

use crate::{
    domain::act::Receipt,
    error::{Fault, Problem},
    graphql::{
        scalars::{GlobalId, NodeKind},
        user_error::{UserError, fault, user_errors},
    },
    session::Session,
};

/// The outcome of a use case, before the object is loaded: only what is selected is, under today's policy.
pub struct Answer<I> {
    pub show: Option<I>,
    pub errors: Vec<UserError>,
}

impl<I: From<Uuid>> Answer<I> {
    /// Shows what the receipt calls `name`; when the act was refused, the object it named as it is now. What is out
    /// of reach is not looked for again.
    pub fn new(
        session: &Session,
        outcome: Result<Receipt, Fault>,
        name: &str,
        named: Option<I>,
    ) -> Result<Self> {
        let mut receipt = outcome.map_err(|e| fault(session, &e))?;
        let denied = receipt.problems.iter().any(Problem::is_denial);
        let show = receipt.id(name).or(if denied || receipt.problems.is_empty() { None } else { named });
        receipt.problems.iter_mut().for_each(name_items_globally);
        Ok(Self { show, errors: user_errors(&receipt, session.locale) })
    }
}

impl Answer<PlanItemId> {
    /// Of an act on a plan item.
    pub fn on_item(session: &Session, outcome: Result<Receipt, Fault>, item: PlanItemId) -> Result<Self> {
        Self::new(session, outcome, "planItem", Some(item))
    }
}

impl Answer<AgreementId> {
    /// Of an act on an agreement.
    pub fn on_agreement(
        session: &Session,
        outcome: Result<Receipt, Fault>,
        agreement: AgreementId,
    ) -> Result<Self> {
        Self::new(session, outcome, "agreement", Some(agreement))
    }
}

/// `planItems.<row id>.dueOn` becomes `planItems.<global id>.dueOn`: rules do not know of global ids.
fn name_items_globally(problem: &mut Problem) {
    let Some((id, rest)) =
        problem.field.as_deref().and_then(|f| f.strip_prefix("planItems.")).and_then(|f| f.split_once('.'))
    else {
        return;
    };
    if let Ok(id) = Uuid::try_parse(id) {
        let id = GlobalId::new(NodeKind::PlanItem, PlanItemId(id).0);
        problem.field = Some(format!("planItems.{id}.{rest}"));
    }
}

/// Declares a payload: one object and the user errors.
macro_rules! payload {
    (
        $(#[doc = $doc:literal])*
        $name:ident of $id:ty { $(#[doc = $fdoc:literal])* $field:ident: $object:ty = $load:path }
    ) => {
        $(#[doc = $doc])*
        pub struct $name(pub $crate::graphql::mutation::payload::Answer<$id>);

        $(#[doc = $doc])*
        #[async_graphql::Object(serial)]
        impl $name {
            $(#[doc = $fdoc])*
            async fn $field(
                &self,
                ctx: &async_graphql::Context<'_>,
            ) -> async_graphql::Result<Option<$object>> {
                match self.0.show {
                    Some(id) => $load(ctx, id).await,
                    None => Ok(None),
                }
            }

            /// Why it was refused, everything at once; empty when it was done.
            async fn user_errors(&self) -> &[$crate::graphql::user_error::UserError] {
                &self.0.errors
            }
        }
    };
}

pub(super) use payload;

/// Whether a refusal is answered with the object as it is now: not where it is out of reach.
pub(super) fn shows_current(outcome: &Result<Receipt, Fault>) -> bool {
    outcome
        .as_ref()
        .is_ok_and(|receipt| !receipt.problems.is_empty() && !receipt.problems.iter().any(Problem::is_denial))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ProblemCode;

    #[test]
    fn a_gap_names_its_item_by_the_id_that_clients_know() {
        let id = Uuid::from_u128(0xabc);
        let mut gap = Problem::new(ProblemCode::Incomplete, "", "").at(&format!("planItems.{id}.timing"));
        name_items_globally(&mut gap);
        let global = GlobalId::new(NodeKind::PlanItem, id);
        assert_eq!(gap.field, Some(format!("planItems.{global}.timing")));
        let mut other = Problem::input("text", "", "");
        name_items_globally(&mut other);
        assert_eq!(other.field.as_deref(), Some("text"));
    }
}
