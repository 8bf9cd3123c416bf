//! What a client can listen to. The policy is asked at the start and again at every event.

use async_graphql::{Context, ID, Result, Subscription};
use entity::{AgreementId, agreement};
use futures_util::{Stream, stream};
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use super::{
    read::node,
    scalars::{GlobalId, NodeKind},
    types::agreement::Agreement,
    user_error::{coded, fault, session},
};
use crate::{
    auth::policy::{self, Action},
    error::Stop,
    events::{Events, Happened},
};

/// Everything that can be listened to.
#[derive(Default)]
pub struct SubscriptionRoot;

/// Everything that can be listened to, over WebSocket (`graphql-transport-ws`).
#[Subscription(name = "Subscription")]
impl SubscriptionRoot {
    /// The agreement, each time anything in it has changed. Ends when the caller can no longer reach it.
    async fn agreement_changed<'ctx>(
        &self,
        ctx: &Context<'ctx>,
        #[graphql(desc = "The agreement's global id.")] agreement_id: ID,
    ) -> Result<impl Stream<Item = Result<Agreement>> + 'ctx> {
        let session = session(ctx);
        let id = GlobalId::row::<AgreementId>(&agreement_id, NodeKind::Agreement)
            .unwrap_or(AgreementId(Uuid::nil()));
        let events = ctx.data_unchecked::<Events>().listen();
        let found = session
            .core
            .db
            .read(async |db| {
                policy::reach::<agreement::Entity>(
                    db,
                    &session.actor,
                    Action::Read,
                    id,
                    "agreementId",
                    session.now(),
                )
                .await
            })
            .await;
        let patient = match found {
            Ok(row) => row.patient_id,
            Err(Stop::Fault(e)) => return Err(fault(session, &e)),
            Err(Stop::Refused(_)) => {
                session.trail.denied("NOT_FOUND", None);
                return Err(coded("NOT_FOUND", "Det finns ingen överenskommelse här som du kan nå."));
            }
        };
        Ok(stream::unfold(Some(events), move |events| async move {
            let mut events = events?;
            loop {
                match events.recv().await {
                    // Too far behind: something may have changed, so read.
                    Ok(Happened { patient: of, .. }) if of != patient => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => return None,
                }
            }
            match node::agreement_for(session, id).await {
                Ok(Some(agreement)) => Some((Ok(agreement), Some(events))),
                Ok(None) => {
                    Some((Err(coded("FORBIDDEN", "Du kan inte längre följa överenskommelsen.")), None))
                }
                Err(error) => Some((Err(error), None)),
            }
        }))
    }
}
