//! What would leave, to whom, when and why: for operators, who see no names and no whole addresses. Changes nothing.

use chrono::{DateTime, Utc};
use entity::{
    care_unit,
    notice::{self, State},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    pause::paused,
    recheck::{self, Ready, Verdict},
    render::Rendered,
};
use crate::{calendar::to_local, error::Fault, session::Core};

/// One message on its way.
#[derive(Debug)]
pub struct Ahead {
    pub notice: notice::Model,
    pub unit: String,
    /// The address, masked; none where it would not leave.
    pub to: Option<String>,
    /// When it would leave; none where it would not.
    pub at: Option<DateTime<Utc>>,
    /// Why not, or why later.
    pub why: &'static str,
    pub rendered: Option<Rendered>,
}

/// What is due by `until`, in order of time, at most `first`.
pub async fn ahead(core: &Core, until: DateTime<Utc>, first: u64) -> Result<Vec<Ahead>, Fault> {
    use notice::Column as C;
    let planned = core
        .db
        .read(async |db| -> Result<_, Fault> {
            Ok(notice::Entity::find()
                .find_also_related(care_unit::Entity)
                .filter(C::State.is_in([State::Planned, State::Claimed]))
                .filter(C::DueAt.lte(until))
                .order_by_asc(C::DueAt)
                .order_by_asc(C::Id)
                .limit(first)
                .all(db)
                .await?)
        })
        .await?;
    let paused = paused(&core.db).await?;
    let paused: Vec<&str> = paused.iter().map(|row| row.channel.as_str()).collect();
    let mut ahead = Vec::with_capacity(planned.len());
    for (notice, unit) in planned {
        let at = Ord::max(notice.due_at, core.clock.now());
        let (at, to, why, rendered) = match recheck::foresee(core, &notice, at).await? {
            None => (None, None, "GONE", None),
            Some(Verdict::Hold { reason, .. }) => (None, None, reason, None),
            Some(Verdict::Later(later)) => (Some(later), None, "SENDING_HOURS", None),
            Some(Verdict::Send(ready)) => {
                let Ready { facts, to } = *ready;
                let rendered = core.texts.render(&facts.without_secrets(&core.settings.links));
                let rendered = rendered.and_then(|made| made.by(notice.channel)).ok();
                let why = match &rendered {
                    None => "BAD_MESSAGE",
                    Some(_) if paused.contains(&notice.channel.as_str()) => "PAUSED",
                    Some(_) => "",
                };
                (Some(at), Some(to.masked()), why, rendered)
            }
        };
        let unit = unit.map(|unit| unit.name).unwrap_or_default();
        ahead.push(Ahead { notice, unit, to, at, why, rendered });
    }
    Ok(ahead)
}

impl Ahead {
    /// One line of a table: when, channel, what, state, to whom, where, why.
    pub fn line(&self) -> String {
        let at = self.at.unwrap_or(self.notice.due_at);
        format!(
            "{}  {:4}  {:15}  {:8}  {:24}  {}{}",
            to_local(at).format("%Y-%m-%d %H:%M"),
            self.notice.channel.as_str(),
            self.notice.rule,
            self.notice.state.as_str(),
            self.to.as_deref().unwrap_or("-"),
            self.unit,
            if self.why.is_empty() { String::new() } else { format!("  ({})", self.why) },
        )
    }
}
