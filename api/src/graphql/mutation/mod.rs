//! Everything that can be done, a room per noun.

mod agreement;
mod contact;
mod payload;
mod plan;
mod relation;

use async_graphql::MergedObject;

/// Everything that can be done: one mutation per business action.
#[derive(Default, MergedObject)]
pub struct Mutation(
    agreement::AgreementMutation,
    contact::ContactMutation,
    plan::PlanMutation,
    relation::RelationMutation,
);
