//! When a notice may leave: within the sending hours, unless it answers an act just now, or would come too late by waiting.

use chrono::{DateTime, TimeDelta, Utc};
use entity::notice::{self, Kind};

use crate::{
    calendar::SendingHours,
    domain::ladder::{ON_THE_WAY, Rule},
};

/// How long after an act its answer still may come outside the sending hours.
const ANSWER: TimeDelta = TimeDelta::hours(1);

/// A message that one channel does not take is given up while so much is left for the other.
pub(crate) const FOR_THE_OTHER_WAY: TimeDelta = TimeDelta::minutes(15);

/// When a notice leaves that is due at `at`; none when it helps nobody by then.
///
/// What answers an act is told when it is done; everything else, and an answer that is late anyway, in daylight. But
/// nobody is let go to a time that is cancelled.
pub(crate) fn leaves_at(
    row: &notice::Model,
    at: DateTime<Utc>,
    hours: SendingHours,
) -> Option<DateTime<Utc>> {
    let opens = hours.next_open(at);
    let cancelled = row.kind == Kind::Cancellation;
    let answers = (cancelled || row.rule == Rule::Confirmation.as_str()) && at - row.created_at < ANSWER;
    let on_the_way = cancelled && opens > row.useless_at - ON_THE_WAY;
    let leaves = if answers || on_the_way { at } else { opens };
    (leaves < row.useless_at).then_some(leaves)
}

/// When what did not arrive is sent again, by whichever way, if it helps `until` then; none when it would help nobody any
/// more.
pub(super) fn again_at(
    row: &notice::Model,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    hours: SendingHours,
) -> Option<DateTime<Utc>> {
    leaves_at(&notice::Model { useless_at: until, ..row.clone() }, now, hours)
}
