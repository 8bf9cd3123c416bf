//! What a schedule would publish, before it does.

use async_graphql::{Context, ID, Result, SimpleObject};

use super::schedule::{SHOWN, SchedulePatternInput, row};
use crate::{
    auth::policy::{self, Action, Noun},
    domain::{
        act::Receipt,
        schedule::{preview::preview, publish::Publish},
    },
    error::Stop,
    graphql::{
        scalars::NodeKind,
        slots,
        types::{booking::Slot, schedule::ScheduleTime},
        user_error::{UserError, fault, refused, session, user_errors},
    },
};

/// What a schedule would publish, before anything is done (förhandsvisning).
#[derive(SimpleObject)]
pub struct SchedulePreview {
    /// How many times would be published up to the horizon.
    time_count: i32,
    /// The first of them, 100 at most.
    times: Vec<ScheduleTime>,
    /// How many times clash with what somebody of the staff already has.
    clash_count: i32,
    /// The first of these, 100 at most.
    clashes: Vec<ScheduleTime>,
    /// How many unbooked times of the schedule would be taken back; some may be published again with other staff.
    withdrawn_count: i32,
    /// How many booked times would fall out of the schedule.
    to_rebook_count: i32,
    /// The first of these, 100 at most.
    to_rebook: Vec<Slot>,
    /// Why it could not be published, everything at once.
    user_errors: Vec<UserError>,
}

/// What [`SchedulePublishInput`] or [`ScheduleChangeInput`] would do.
pub async fn schedule_preview(
    ctx: &Context<'_>,
    appointment_type: &ID,
    pattern: SchedulePatternInput,
    of: Option<&ID>,
) -> Result<SchedulePreview> {
    let session = session(ctx);
    if policy::check(&session.actor, Noun::Schedule, Action::Publish).is_err() {
        return Err(refused(session));
    }
    let command = Publish {
        appointment_type: row(appointment_type, NodeKind::AppointmentType),
        staff: pattern.staff(),
        seats: pattern.seats,
        web_bookable: pattern.web_bookable,
        pattern: pattern.written(),
        skip_clashes: false,
    };
    let shown = |time: &crate::domain::booking::rules::NewTime| ScheduleTime {
        starts_at: time.starts_at,
        ends_at: time.ends_at,
        local_start: time.local_start.clone(),
    };
    let of = of.map(|id| row(id, NodeKind::Schedule));
    match preview(session, &command, of).await {
        Ok(draft) => {
            let shown_slots = &draft.rebook[..Ord::min(SHOWN, draft.rebook.len())];
            let to_rebook = slots::by_ids(session, shown_slots).await.map_err(|e| fault(session, &e))?;
            let (withdrawn, fallen) = (draft.withdrawn(), draft.rebook.len());
            let mut clashes: Vec<_> = draft.clashes.into_iter().map(|(time, _)| time).collect();
            clashes.sort_by_key(|time| time.starts_at);
            clashes.dedup();
            Ok(SchedulePreview {
                time_count: draft.publish.len() as i32,
                times: draft.publish.iter().take(SHOWN).map(shown).collect(),
                clash_count: clashes.len() as i32,
                clashes: clashes.iter().take(SHOWN).map(shown).collect(),
                withdrawn_count: withdrawn as i32,
                to_rebook_count: fallen as i32,
                to_rebook,
                user_errors: Vec::new(),
            })
        }
        Err(Stop::Fault(e)) => Err(fault(session, &e)),
        Err(Stop::Refused(problems)) => {
            if let Some(denied) = problems.iter().find(|problem| problem.is_denial()) {
                session.trail.denied(denied.code.as_str(), None);
            }
            Ok(SchedulePreview {
                time_count: 0,
                times: Vec::new(),
                clash_count: 0,
                clashes: Vec::new(),
                withdrawn_count: 0,
                to_rebook_count: 0,
                to_rebook: Vec::new(),
                user_errors: user_errors(&Receipt::refused(problems), session.locale),
            })
        }
    }
}
