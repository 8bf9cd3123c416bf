//! What may be published, booked, moved and cancelled: pure, and the same for the mutation and for the button
//! that is shown.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Timelike, Utc};
use entity::{
    CareUnitId,
    appointment::{self, BookingChannel, Origin, Status},
    appointment_type::{self, WebBooking},
    care_unit, plan_item,
};

use crate::{
    auth::actor::Actor,
    calendar::{to_instant, to_local},
    error::{Problem, ProblemCode},
};

/// Times in one call at most.
pub const TIMES_AT_MOST: usize = 200;
/// Seats of one time at most.
pub const SEATS_AT_MOST: i32 = 100;
/// How far ahead times may be published.
const AHEAD: TimeDelta = TimeDelta::days(2 * 366);
/// Staff and patients are occupied in cells of this length.
pub const CELL_MINUTES: u32 = 5;

/// A time to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTime {
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    /// The wall clock at the start, `2027-03-01T09:00`: as asked, or moved by the gap where that does not exist.
    pub local_start: String,
}

/// A wall clock as people read it in a message.
pub fn wall_clock(at: DateTime<Utc>) -> String {
    to_local(at).format("%Y-%m-%d %H:%M").to_string()
}

/// Reads the times to publish: all problems at once.
///
/// A time that does not exist (the clocks go forward) moves forward by the gap; one that exists twice is the first.
/// `alone` refuses times that overlap each other: one person cannot take them both.
pub fn times(
    local: &[String],
    length: TimeDelta,
    seats: i32,
    alone: bool,
    now: DateTime<Utc>,
) -> Result<Vec<NewTime>, Vec<Problem>> {
    let field = "startsLocal";
    let mut problems = Vec::new();
    if !(1..=SEATS_AT_MOST).contains(&seats) {
        problems.push(Problem::input(
            "seats",
            format!("Ange 1–{SEATS_AT_MOST} platser."),
            format!("Give 1 to {SEATS_AT_MOST} seats."),
        ));
    }
    if local.is_empty() || local.len() > TIMES_AT_MOST {
        problems.push(Problem::input(
            field,
            format!("Ange 1–{TIMES_AT_MOST} tider åt gången."),
            format!("Give 1 to {TIMES_AT_MOST} times in one call."),
        ));
        return Err(problems);
    }
    let mut times = Vec::with_capacity(local.len());
    for text in local {
        match new_time(text, length, now) {
            Ok(time) => times.push(time),
            Err(problem) => problems.push(problem.at(field)),
        }
    }
    times.sort_by_key(|time| time.starts_at);
    if alone {
        let clashing: Vec<String> = times
            .windows(2)
            .filter(|pair| pair[1].starts_at < pair[0].ends_at)
            .map(|pair| wall_clock(pair[1].starts_at))
            .collect();
        if !clashing.is_empty() {
            problems.push(occupied(&clashing));
        }
    }
    if problems.is_empty() { Ok(times) } else { Err(problems) }
}

fn new_time(text: &str, length: TimeDelta, now: DateTime<Utc>) -> Result<NewTime, Problem> {
    let bad = |sv: String, en: String| Problem::new(ProblemCode::BadUserInput, sv, en);
    // What the client wrote is quoted back only as far as it can be a time.
    let shown: String = text.chars().filter(char::is_ascii_graphic).take(20).collect();
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M")
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S"))
        .map_err(|_| {
            bad(
                format!("”{shown}” är ingen tid. Skriv till exempel 2027-03-01T09:00."),
                format!("\"{shown}\" is not a time. Write for example 2027-03-01T09:00."),
            )
        })?;
    if !local.minute().is_multiple_of(CELL_MINUTES) || local.second() != 0 {
        return Err(bad(
            format!("{shown}: tider börjar på hela fem minuter."),
            format!("{shown}: times begin on whole five minutes."),
        ));
    }
    if !(2000..=9998).contains(&local.year()) || to_instant(local) > now + AHEAD {
        return Err(bad(
            format!("{shown} ligger mer än två år bort."),
            format!("{shown} is more than two years away."),
        ));
    }
    let starts_at = to_instant(local);
    if starts_at <= now {
        return Err(bad(format!("{shown} har redan varit."), format!("{shown} has already been.")));
    }
    let local_start = to_local(starts_at).format("%Y-%m-%dT%H:%M").to_string();
    Ok(NewTime { starts_at, ends_at: starts_at + length, local_start })
}

/// The refusal of times at which the staff member is busy.
pub fn occupied(clashing: &[String]) -> Problem {
    let list = clashing.join(", ");
    Problem::new(
        ProblemCode::AlreadyOccupied,
        format!("Medarbetaren är redan upptagen: {list}. Inga tider har lagts ut."),
        format!("The staff member is already occupied: {list}. No times were published."),
    )
    .at("startsLocal")
}

/// The cells that a time takes.
pub fn cells(starts_at: DateTime<Utc>, ends_at: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let cell = TimeDelta::minutes(i64::from(CELL_MINUTES));
    std::iter::successors(Some(starts_at), |at| Some(*at + cell)).take_while(|at| *at < ends_at).collect()
}

/// How a booking came about: patients book themselves on the web; staff say how the patient reached them.
pub fn way(
    actor: &Actor,
    said: Option<BookingChannel>,
    allow_overlap: bool,
) -> Result<(Origin, BookingChannel), Vec<Problem>> {
    let mut problems: Vec<Problem> = only_staff_override(actor, allow_overlap).err().into_iter().collect();
    match channel(actor, said) {
        Ok(Some(channel)) if problems.is_empty() => {
            let origin = if actor.staff().is_some() { Origin::Agreed } else { Origin::SelfBooked };
            return Ok((origin, channel));
        }
        Ok(Some(_)) => {}
        Ok(None) => problems.push(say_the_channel()),
        Err(problem) => problems.insert(0, problem),
    }
    Err(problems)
}

/// How the patient reached whoever acts: the web for the patient's own side; staff say so where a patient asked them.
pub fn channel(actor: &Actor, said: Option<BookingChannel>) -> Result<Option<BookingChannel>, Problem> {
    match (actor.staff(), said) {
        (Some(_), None | Some(BookingChannel::Phone | BookingChannel::OnSite)) => Ok(said),
        (Some(_), Some(BookingChannel::Web)) => Err(say_the_channel()),
        (None, None) => Ok(Some(BookingChannel::Web)),
        (None, Some(_)) => Err(for_staff("bookingChannel")),
    }
}

fn say_the_channel() -> Problem {
    Problem::input(
        "bookingChannel",
        "Ange om det sker per telefon eller på plats.",
        "Say whether it is done by phone or on site.",
    )
}

/// Staff confirm only what the patient has told them.
pub fn say_how_the_patient_said_it() -> Problem {
    Problem::input(
        "bookingChannel",
        "Ange hur patienten sa det: per telefon eller på plats.",
        "Say how the patient said it: by phone or on site.",
    )
}

/// Only staff go ahead although the patient is occupied.
pub fn only_staff_override(actor: &Actor, allow_overlap: bool) -> Result<(), Problem> {
    if allow_overlap && actor.staff().is_none() { Err(for_staff("allowOverlap")) } else { Ok(()) }
}

fn for_staff(field: &str) -> Problem {
    Problem::input(field, "Det här anges bara av vården. Utelämna det.", "Only staff say this. Leave it out.")
}

/// What decides what can be done with an appointment.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    pub status: Status,
    pub starts_at: DateTime<Utc>,
    pub cancel_by: DateTime<Utc>,
    pub confirmed: bool,
    /// Whether patients book such times themselves.
    pub web_bookable: bool,
    pub care_unit: CareUnitId,
    pub unit_phone: &'a str,
}

impl<'a> Standing<'a> {
    pub fn of(
        booked: &appointment::Model,
        kind: &appointment_type::Model,
        unit: &'a care_unit::Model,
    ) -> Self {
        Self {
            web_bookable: kind.web_booking != WebBooking::Nobody && kind.retired_at.is_none(),
            ..Self::of_any_kind(booked, unit)
        }
    }

    /// For what does not depend on the kind of appointment.
    pub fn of_any_kind(booked: &appointment::Model, unit: &'a care_unit::Model) -> Self {
        Self {
            status: booked.status,
            starts_at: booked.starts_at,
            cancel_by: booked.cancel_by,
            confirmed: booked.confirmed_at.is_some(),
            web_bookable: false,
            care_unit: booked.care_unit_id,
            unit_phone: &unit.phone,
        }
    }
}

/// Booked, and not begun.
fn ahead(time: &Standing<'_>, now: DateTime<Utc>) -> Result<(), Problem> {
    let phone = time.unit_phone;
    if time.status != Status::Booked {
        return Err(Problem::new(
            ProblemCode::WrongState,
            "Tiden är inte längre bokad.",
            "The time is no longer booked.",
        ));
    }
    if now >= time.starts_at {
        return Err(Problem::new(
            ProblemCode::TooLate,
            format!("Besökstiden har redan börjat. Ring {phone} om du behöver hjälp."),
            format!("The appointment has already begun. Call {phone} if you need help."),
        ));
    }
    Ok(())
}

/// Whether the caller may cancel the appointment now; if not, why, and whom to call.
pub fn may_change(actor: &Actor, time: &Standing<'_>, now: DateTime<Utc>) -> Result<(), Problem> {
    ahead(time, now)?;
    let phone = time.unit_phone;
    if actor.staff().is_none() && now >= time.cancel_by {
        return Err(Problem::new(
            ProblemCode::TooLate,
            format!("Det är för sent att ändra tiden här. Ring {phone}, så hjälper vi dig."),
            format!("It is too late to change the time here. Call {phone} and we will help you."),
        ));
    }
    Ok(())
}

/// Whether the caller may move it. Patients to times that they could book, staff within their own unit.
pub fn may_rebook(actor: &Actor, time: &Standing<'_>, now: DateTime<Utc>) -> Result<(), Problem> {
    may_change(actor, time, now)?;
    let phone = time.unit_phone;
    match actor.staff() {
        Some(staff) if staff.care_unit != time.care_unit => Err(Problem::new(
            ProblemCode::Conflict,
            format!("Tiden är bokad på en annan mottagning. Be dem omboka: {phone}."),
            format!("The time is booked at another unit. Ask them to move it: {phone}."),
        )),
        None if !time.web_bookable => Err(Problem::new(
            ProblemCode::Conflict,
            format!("Den här tiden ombokas inte här. Ring {phone}, så hjälper vi dig."),
            format!("This time is not moved here. Call {phone} and we will help you."),
        )),
        _ => Ok(()),
    }
}

/// Whether it can be said now that the patient is coming: once, until it begins.
pub fn may_confirm(_: &Actor, time: &Standing<'_>, now: DateTime<Utc>) -> Result<(), Problem> {
    ahead(time, now)?;
    if time.confirmed {
        return Err(Problem::new(
            ProblemCode::WrongState,
            "Tiden är redan bekräftad.",
            "The time has already been confirmed.",
        ));
    }
    Ok(())
}

/// Whether it can be recorded, or corrected, whether the patient came: from the start on, at the unit itself.
pub fn may_record(actor: &Actor, time: &Standing<'_>, now: DateTime<Utc>) -> Result<(), Problem> {
    if actor.staff().is_none_or(|staff| staff.care_unit != time.care_unit) {
        return Err(Problem::new(
            ProblemCode::Conflict,
            "Utfallet noteras på mottagningen där tiden är bokad.",
            "The outcome is recorded at the unit where the time is booked.",
        ));
    }
    if time.status == Status::Cancelled {
        return Err(Problem::new(ProblemCode::WrongState, "Tiden är avbokad.", "The time was cancelled."));
    }
    if now < time.starts_at {
        return Err(Problem::new(
            ProblemCode::WrongState,
            "Tiden har inte börjat än.",
            "The time has not begun yet.",
        ));
    }
    Ok(())
}

/// Somebody else got the last seat.
pub fn slot_taken() -> Problem {
    Problem::new(
        ProblemCode::SlotTaken,
        "Någon annan hann boka tiden. Välj en annan tid.",
        "Somebody else booked the time first. Choose another one.",
    )
    .at("slotId")
}

/// The unit has taken the time back, or books such times itself from now on.
pub fn slot_gone(actor: &Actor) -> Problem {
    let (sv, en) = if actor.staff().is_some() {
        (
            "Tiden har tagits bort och går inte längre att boka. Välj en annan tid.",
            "The time has been taken back and can no longer be booked. Choose another one.",
        )
    } else {
        (
            "Tiden går inte längre att boka här. Välj en annan tid, eller ring mottagningen.",
            "The time can no longer be booked here. Choose another one, or call the unit.",
        )
    };
    Problem::new(ProblemCode::SlotTaken, sv, en).at("slotId")
}

/// The patient has another time then.
pub fn patient_occupied(actor: &Actor) -> Problem {
    let (sv, en) = if actor.staff().is_some() {
        (
            "Patienten är upptagen då. Om ni är överens går det att boka ändå.",
            "The patient is occupied then. If you have agreed on it, it can be booked all the same.",
        )
    } else {
        (
            "Du har redan en annan tid då. Välj en annan tid, eller avboka den andra först.",
            "You already have another appointment then. Choose another time, or cancel the other one first.",
        )
    };
    Problem::new(ProblemCode::AlreadyOccupied, sv, en).at("slotId")
}

/// The patient has a seat of this very time: nobody gets two, whatever staff allow.
pub fn has_it_already(actor: &Actor) -> Problem {
    let (sv, en) = if actor.staff().is_some() {
        ("Patienten har redan den här tiden.", "The patient has this very time already.")
    } else {
        ("Du har redan den här tiden.", "You have this very time already.")
    };
    Problem::new(ProblemCode::AlreadyOccupied, sv, en).at("slotId")
}

/// Whether a time may be booked for a plan item that stands so: what is done or called off asks for no visit; what a missed
/// visit left undone does.
pub fn item_open(status: plan_item::Status) -> Result<(), Problem> {
    use plan_item::Status as S;
    match status {
        S::Proposed | S::Accepted | S::InProgress | S::NotDone => Ok(()),
        S::Done | S::Cancelled => Err(Problem::new(
            ProblemCode::WrongState,
            "Insatsen är klar eller inställd. Återöppna den först, eller boka tiden utan den.",
            "The item is done or called off. Open it again first, or book the time without it.",
        )
        .at("planItemId")),
    }
}

/// The time is kept for the patient already, by an offer.
pub fn kept_for_offer() -> Problem {
    Problem::new(
        ProblemCode::Conflict,
        "Tiden är redan erbjuden som återbudstid och hålls så länge. Boka den, eller svara på erbjudandet.",
        "The time is kept already: it is offered as a freed one. Book it, or answer the offer.",
    )
    .at("slotId")
}

/// The time has begun or passed.
pub fn slot_past() -> Problem {
    Problem::new(
        ProblemCode::TooLate,
        "Tiden har redan varit. Välj en annan tid.",
        "The time has already been. Choose another one.",
    )
    .at("slotId")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn published(local: &[&str]) -> Result<Vec<NewTime>, Vec<Problem>> {
        let local: Vec<String> = local.iter().map(|&t| t.to_owned()).collect();
        times(&local, TimeDelta::minutes(30), 1, true, at("2027-01-01T12:00:00Z"))
    }

    #[test]
    fn times_are_wall_clock_in_stockholm_and_keep_it() {
        let times = published(&["2027-07-01T09:00", "2027-02-01T09:00:00"]).unwrap();
        assert_eq!(times[0].starts_at, at("2027-02-01T08:00:00Z"));
        assert_eq!(times[0].ends_at, at("2027-02-01T08:30:00Z"));
        assert_eq!(
            (times[1].starts_at, times[1].local_start.as_str()),
            (at("2027-07-01T07:00:00Z"), "2027-07-01T09:00")
        );
    }

    #[test]
    fn a_time_that_does_not_exist_moves_forward_and_an_ambiguous_one_is_the_first() {
        let times = published(&["2027-03-28T02:30", "2027-10-31T02:30"]).unwrap();
        assert_eq!(
            (times[0].starts_at, times[0].local_start.as_str()),
            (at("2027-03-28T01:30:00Z"), "2027-03-28T03:30")
        );
        assert_eq!(times[1].starts_at, at("2027-10-31T00:30:00Z"));
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let problems =
            published(&["nonsense", "2027-02-01T09:03", "2020-01-01T09:00", "2031-01-01T09:00"]).unwrap_err();
        assert_eq!(problems.len(), 4);
        assert!(
            problems
                .iter()
                .all(|p| p.code == ProblemCode::BadUserInput && p.field.as_deref() == Some("startsLocal"))
        );
        assert!(published(&["2027-02-01T09:00"; 201]).is_err());
        assert!(published(&[]).is_err());
    }

    #[test]
    fn one_person_cannot_take_two_times_that_overlap() {
        let problems = published(&["2027-02-01T09:00", "2027-02-01T09:25", "2027-02-01T10:00"]).unwrap_err();
        assert_eq!(problems[0].code, ProblemCode::AlreadyOccupied);
        assert!(problems[0].text.sv.contains("2027-02-01 09:25"), "{}", problems[0].text.sv);
        assert!(published(&["2027-02-01T09:00", "2027-02-01T09:30"]).is_ok());
    }

    #[test]
    fn a_time_takes_the_cells_from_its_start_to_before_its_end() {
        let cells = cells(at("2027-02-01T08:00:00Z"), at("2027-02-01T08:15:00Z"));
        assert_eq!(cells, ["2027-02-01T08:00:00Z", "2027-02-01T08:05:00Z", "2027-02-01T08:10:00Z"].map(at));
    }

    #[test]
    fn a_time_is_for_an_item_that_is_neither_done_nor_called_off() {
        use plan_item::Status as S;
        for open in [S::Proposed, S::Accepted, S::InProgress, S::NotDone] {
            assert_eq!(item_open(open), Ok(()));
        }
        for closed in [S::Done, S::Cancelled] {
            let refused = item_open(closed).unwrap_err();
            assert_eq!(
                (refused.code, refused.field.as_deref()),
                (ProblemCode::WrongState, Some("planItemId"))
            );
        }
    }

    #[test]
    fn a_patient_changes_until_the_deadline_and_staff_until_the_start() {
        let patient = Actor::Patient { id: entity::PatientId(uuid::Uuid::nil()) };
        let booked = |status| Standing {
            status,
            starts_at: at("2027-02-02T08:00:00Z"),
            cancel_by: at("2027-02-01T23:00:00Z"),
            confirmed: false,
            web_bookable: true,
            care_unit: CareUnitId(uuid::Uuid::nil()),
            unit_phone: "+4686174000",
        };
        let code = |actor: &Actor, now| {
            may_change(actor, &booked(appointment::Status::Booked), at(now)).map_err(|p| p.code)
        };
        assert_eq!(code(&patient, "2027-02-01T22:59:59Z"), Ok(()));
        assert_eq!(code(&patient, "2027-02-01T23:00:00Z"), Err(ProblemCode::TooLate));
        let late = may_change(&patient, &booked(appointment::Status::Booked), at("2027-02-02T00:00:00Z"));
        assert!(late.unwrap_err().text.sv.contains("+4686174000"));
        let staff = Actor::Staff(crate::auth::actor::StaffActor {
            staff_member: entity::StaffMemberId(uuid::Uuid::nil()),
            assignment: entity::AssignmentId(uuid::Uuid::nil()),
            care_unit: entity::CareUnitId(uuid::Uuid::nil()),
            care_provider: entity::CareProviderId(uuid::Uuid::nil()),
            role: entity::assignment::Role::Care,
            display_name: String::new(),
            title: String::new(),
        });
        assert_eq!(code(&staff, "2027-02-02T07:59:59Z"), Ok(()));
        assert_eq!(code(&staff, "2027-02-02T08:00:00Z"), Err(ProblemCode::TooLate));
        let cancelled =
            may_change(&staff, &booked(appointment::Status::Cancelled), at("2027-02-01T00:00:00Z"));
        assert_eq!(cancelled.unwrap_err().code, ProblemCode::WrongState);
    }
}
