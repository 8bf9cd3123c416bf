//! Everything that can be done, a room per noun.

use async_graphql::{MergedObject, Object};

/// Everything that can be done: one mutation per business action.
#[derive(Default, MergedObject)]
pub struct Mutation(Ping);

#[derive(Default)]
struct Ping;
#[Object]
impl Ping {
    async fn ping(&self) -> bool {
        true
    }
}
