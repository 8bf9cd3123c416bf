//! What of an agreement is loaded when it is asked for: with arguments, one statement each.

use async_graphql::{ComplexObject, Context, Result};

use super::{
    page::{Page, page_request},
    read::history::{self, HistoryPlace},
    types::{agreement::Agreement, history::HistoryEntry},
    user_error::{fault, session},
};

#[ComplexObject]
impl Agreement {
    /// The change history (ändringshistorik), the latest first: who changed what, from what to what, and how the
    /// agreement came about.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many entries, 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Page<HistoryEntry>> {
        let session = session(ctx);
        let request = page_request::<HistoryPlace>(first, after.as_deref(), 20)?;
        history::of_agreement(session, self.id.id, &request).await.map_err(|e| fault(session, &e))
    }
}
