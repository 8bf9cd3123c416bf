//! Starting threads, sending messages, marking them as read.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use entity::{ThreadId, ThreadMessageId};
use uuid::Uuid;

use crate::{
    domain::{
        act::Receipt,
        thread::{
            close::{Close, close, reopen},
            mark_read::{MarkRead, mark_read},
            send::{Send, Sent, send},
            start::{Start, To, start},
        },
    },
    error::Problem,
    graphql::{
        mutation::payload::{Answer, payload},
        scalars::{GlobalId, NodeKind},
        thread::{self, Thread},
        types::{enums::ThreadKind, messages::ThreadMessage},
        user_error::{UserError, fault, session, user_errors},
    },
};

fn row<T: From<Uuid>>(id: &ID, kind: NodeKind) -> T {
    GlobalId::row(id, kind).unwrap_or_else(|| T::from(Uuid::nil()))
}

/// What can be done with messages.
#[derive(Default)]
pub struct ThreadMutation;

/// A first message (nytt meddelande).
#[derive(InputObject)]
pub struct ThreadStartInput {
    /// The unit to write to; for staff who write to a patient, their own. Either this or `contactId`.
    care_unit_id: Option<ID>,
    /// The contact to write to, in their role (uppdrag): whoever holds the role then answers, or steps in. Either this
    /// or `careUnitId`.
    contact_id: Option<ID>,
    /// For staff: whom it is about. Patients leave it out.
    patient_id: Option<ID>,
    /// Who talk. `CARE_CARE` is for staff: between units of one care provider.
    #[graphql(default_with = "ThreadKind::PatientCare")]
    kind: ThreadKind,
    /// What it is about, on one line; 200 characters at most.
    subject: String,
    /// The message, as plain text; 5,000 characters at most.
    body: String,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// What became of starting a thread.
#[derive(SimpleObject)]
pub struct ThreadStartPayload {
    /// The new thread; none when refused.
    thread: Option<Thread>,
    /// Why it was not started.
    user_errors: Vec<UserError>,
}

/// A message to send (skicka meddelande).
#[derive(InputObject)]
pub struct MessageSendInput {
    /// The thread.
    thread_id: ID,
    /// The message, as plain text; 5,000 characters at most.
    body: String,
    /// Between units only: whether the other unit is to answer (svar önskas), and so has a task of it. The first message of
    /// a thread always asks; what is written after it is to read, unless this says that it asks too.
    #[graphql(default)]
    expects_answer: bool,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// What became of sending.
pub struct MessageSendPayload {
    sent: Sent,
    asked: ThreadId,
}

/// What became of sending a message.
#[Object(serial)]
impl MessageSendPayload {
    /// The message that was sent; none when refused.
    async fn message(&self, ctx: &Context<'_>) -> Result<Option<ThreadMessage>> {
        let Some(id) = self.sent.receipt.id::<ThreadMessageId>("message") else { return Ok(None) };
        let session = session(ctx);
        let named = session.actor.staff().map(|staff| staff.display_name.clone());
        let name_asked = ctx.look_ahead().field("authorName").exists();
        match &self.sent.fresh {
            // What was written a moment ago need not be read back, unless the writer's name is asked for.
            Some(fresh) if named.is_some() || !name_asked => Ok(Some(ThreadMessage {
                id: GlobalId::new(NodeKind::ThreadMessage, id),
                body: fresh.body.clone(),
                author_kind: session.actor.kind().into(),
                author_name: named.unwrap_or_default(),
                is_own: true,
                sent_at: fresh.sent_at,
                read_at: None,
            })),
            _ => thread::message(ctx, id).await,
        }
    }

    /// The thread as it is now.
    async fn thread(&self, ctx: &Context<'_>) -> Result<Option<Thread>> {
        reachable(ctx, &self.sent.receipt, self.asked).await
    }

    /// Why nothing was sent.
    async fn user_errors(&self, ctx: &Context<'_>) -> Vec<UserError> {
        user_errors(&self.sent.receipt, session(ctx).locale)
    }
}

/// How far a thread was read (läst till och med).
#[derive(InputObject)]
pub struct ThreadMarkReadInput {
    /// The thread.
    thread_id: ID,
    /// The newest message that was read; those before it count as read too.
    message_id: ID,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// What became of marking as read.
#[derive(SimpleObject)]
pub struct ThreadMarkReadPayload {
    /// The thread as it is now.
    thread: Option<Thread>,
    /// Why nothing was marked.
    user_errors: Vec<UserError>,
}

/// A thread to close (avsluta).
#[derive(InputObject)]
pub struct ThreadCloseInput {
    /// The thread.
    thread_id: ID,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// A thread to open again (återuppta).
#[derive(InputObject)]
pub struct ThreadReopenInput {
    /// The thread.
    thread_id: ID,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

payload! {
    /// What became of closing a thread.
    ThreadClosePayload of ThreadId {
        /// The thread as it is now.
        thread: Thread = thread::thread
    }
}

payload! {
    /// What became of opening a thread again.
    ThreadReopenPayload of ThreadId {
        /// The thread as it is now.
        thread: Thread = thread::thread
    }
}

/// Messages.
#[Object]
impl ThreadMutation {
    /// Starts a thread (skriver till en mottagning) with its first message. When a patient writes, care promises an
    /// answer by `answerBy`. In an emergency call 112.
    async fn thread_start(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "To whom, about what.")] input: ThreadStartInput,
    ) -> Result<ThreadStartPayload> {
        let session = session(ctx);
        let command = Start {
            to: match (&input.care_unit_id, &input.contact_id) {
                (Some(unit), None) => To::Unit(row(unit, NodeKind::CareUnit)),
                (None, Some(contact)) => To::Contact(row(contact, NodeKind::CareContact)),
                _ => To::Unclear,
            },
            patient: input.patient_id.as_ref().map(|id| row(id, NodeKind::Patient)),
            kind: input.kind.into(),
            subject: input.subject,
            body: input.body,
            by_link: false,
        };
        let receipt =
            start(session, &input.idempotency_key, &command).await.map_err(|e| fault(session, &e))?;
        let thread = match receipt.id("thread") {
            Some(id) => thread::thread(ctx, id).await?,
            None => None,
        };
        Ok(ThreadStartPayload { thread, user_errors: user_errors(&receipt, session.locale) })
    }

    /// Sends a message (skickar ett meddelande) in a thread. In an emergency call 112. What care writes to the patient is
    /// the answer that was promised when it comes from the unit or role that was written to, or from the unit that has the
    /// task of answering; a colleague elsewhere may write, and whoever waits goes on waiting. Between units, what the unit that
    /// was asked writes is the answer. Sending marks what stands in the thread as read by the sender.
    async fn message_send(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where, and what.")] input: MessageSendInput,
    ) -> Result<MessageSendPayload> {
        let session = session(ctx);
        let command = Send {
            thread: row(&input.thread_id, NodeKind::Thread),
            body: input.body,
            expects_answer: input.expects_answer,
        };
        let sent = send(session, &input.idempotency_key, &command).await.map_err(|e| fault(session, &e))?;
        Ok(MessageSendPayload { sent, asked: command.thread })
    }

    /// Closes a thread (avslutar konversationen): nothing more is written in it. By the units whose conversation it is;
    /// refused while somebody waits for an answer there. Of units that talk, the one that asked may close all the same: the
    /// other need not answer any more.
    async fn thread_close(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: ThreadCloseInput,
    ) -> Result<ThreadClosePayload> {
        let (session, id) = (session(ctx), row(&input.thread_id, NodeKind::Thread));
        let outcome = close(session, &input.idempotency_key, &Close { thread: id }).await;
        Ok(ThreadClosePayload(Answer::new(session, outcome, "thread", Some(id))?))
    }

    /// Opens a closed thread again (återupptar konversationen), by the units whose conversation it is.
    async fn thread_reopen(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: ThreadReopenInput,
    ) -> Result<ThreadReopenPayload> {
        let (session, id) = (session(ctx), row(&input.thread_id, NodeKind::Thread));
        let outcome = reopen(session, &input.idempotency_key, &Close { thread: id }).await;
        Ok(ThreadReopenPayload(Answer::new(session, outcome, "thread", Some(id))?))
    }

    /// Marks the messages of a thread as read (läst) by the caller, up to one of them.
    async fn thread_mark_read(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How far.")] input: ThreadMarkReadInput,
    ) -> Result<ThreadMarkReadPayload> {
        let session = session(ctx);
        let command = MarkRead {
            thread: row(&input.thread_id, NodeKind::Thread),
            message: row(&input.message_id, NodeKind::ThreadMessage),
        };
        let receipt =
            mark_read(session, &input.idempotency_key, &command).await.map_err(|e| fault(session, &e))?;
        Ok(ThreadMarkReadPayload {
            thread: reachable(ctx, &receipt, command.thread).await?,
            user_errors: user_errors(&receipt, session.locale),
        })
    }
}

/// The thread as it is now, unless it was out of reach.
async fn reachable(ctx: &Context<'_>, receipt: &Receipt, asked: ThreadId) -> Result<Option<Thread>> {
    if receipt.problems.iter().any(Problem::is_denial) {
        return Ok(None);
    }
    thread::thread(ctx, asked).await
}
