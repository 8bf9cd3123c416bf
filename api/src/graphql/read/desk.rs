//! How a unit is reached: what stands wherever a message to it is written.

use super::{cols::Cols, contact::Hours};
use crate::{
    domain::{
        contact::{message_hours, whom::Desk},
        thread::rules::ANSWER_DAYS,
    },
    error::Fault,
    session::Session,
};

/// A unit, as far as reaching it goes.
#[derive(Clone, Debug)]
pub struct UnitDesk {
    desk: Desk,
    after_hours: Option<(String, String)>,
}

/// The columns of a [`UnitDesk`] under a table alias.
pub fn desk_columns(alias: &str) -> String {
    format!(
        "{alias}.name, {alias}.phone, {alias}.opening_hours, {alias}.closing_days, {alias}.after_hours_name, \
         {alias}.after_hours_phone"
    )
}

/// Reads [`desk_columns`].
pub fn read_desk(cols: &mut Cols<'_>) -> Result<UnitDesk, Fault> {
    let (name, phone) = (cols.take()?, cols.take()?);
    let (opening, closing): (String, String) = (cols.take()?, cols.take()?);
    Ok(UnitDesk::new(name, phone, (&opening, &closing), (cols.opt()?, cols.opt()?)))
}

impl UnitDesk {
    fn new(
        name: String,
        phone: String,
        (opening, closing): (&str, &str),
        (after_name, after_phone): (Option<String>, Option<String>),
    ) -> Self {
        let Hours { opening, closing } = Hours::parse(opening, closing);
        let after_hours = after_phone.map(|phone| (after_name.unwrap_or_else(|| phone.clone()), phone));
        Self { desk: Desk { name, phone, opening, closing }, after_hours }
    }

    /// Of a stored unit.
    pub fn of(unit: &entity::care_unit::Model) -> Self {
        let after_hours = (unit.after_hours_name.clone(), unit.after_hours_phone.clone());
        let hours = (unit.opening_hours.as_str(), unit.closing_days.as_str());
        Self::new(unit.name.clone(), unit.phone.clone(), hours, after_hours)
    }

    /// When messages to the unit are read, and whom to call instead.
    pub fn message_hours(&self, session: &Session) -> String {
        let after_hours = self.after_hours.as_ref().map(|(name, phone)| (name.as_str(), phone.as_str()));
        let last_resort = &session.core.settings.after_hours_phone;
        message_hours::text(&self.desk, after_hours, last_resort, ANSWER_DAYS, session.locale)
    }
}
