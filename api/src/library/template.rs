//! Templates (vårdförlopp): the items and texts of a course of care, with times relative to an anchor date.

use entity::{
    plan_item_revision::{Category, Owner},
    template_item::Discharge,
};

use super::reading::{Part, Reading};
use crate::{domain::plan_item::recurrence, error::Text};

/// How far from the anchor date anything may lie, in days.
const FARTHEST: i32 = 730;
const TITLE: usize = 200;
const TEXT: usize = 4_000;

/// One version of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its name for programs, such as `surgery`.
    pub key: String,
    pub version: i32,
    pub title: Text,
    pub description: Text,
    /// What the anchor date is, such as the day of the operation.
    pub anchor: Text,
    /// The parts that the items are told in, in order.
    pub phases: Vec<Phase>,
    pub sections: Vec<SectionText>,
    pub warning_signs: Vec<Sign>,
    pub measurements: Vec<Measure>,
    pub items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    pub key: String,
    pub title: Text,
}

/// The sections of an agreement that a template may suggest a text for. What the patient says in their own words is
/// not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionKind {
    OwnResponsibility,
    SelfCare,
    WhenToSeekHelp,
    HowResultsCome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionText {
    pub kind: SectionKind,
    pub text: Text,
}

/// How serious a warning sign is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignLight {
    Green,
    Yellow,
    Red,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign {
    pub light: SignLight,
    pub sign: Text,
    pub action: Text,
    pub phone: Option<SignPhone>,
    pub weekdays: Option<Text>,
    pub weekends: Option<Text>,
}

/// Whom to call about a warning sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignPhone {
    /// The unit that has the agreement.
    OwnUnit,
    /// Such as 112.
    Number(String),
}

/// Something that the patient measures. Limits are the patient's own: they are filled in with the patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    pub what: Text,
    pub unit: String,
    pub how_often: Text,
    pub read_by: Text,
    pub read_when: Text,
    pub outside: Text,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub key: String,
    /// The key of a phase.
    pub phase: String,
    pub category: Category,
    pub owner: Owner,
    /// The unit that has the agreement answers for it; otherwise that is filled in.
    pub own_unit: bool,
    pub title: Text,
    pub description: Option<Text>,
    pub when: When,
    pub result: Option<ResultPromise>,
    pub discharge: Option<Discharge>,
    /// A call to the patient on every day of it: one that is not made is raised.
    pub daily_call: bool,
}

/// How the result is told, and by when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultPromise {
    pub how: Text,
    pub by: Option<Offset>,
}

/// When something is done, as seen from the anchor date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    On(Offset),
    Between(Offset, Offset),
    /// From a day on, by a rule that ends.
    Again {
        first: Offset,
        rule: String,
    },
    /// When something happens; followed up at the latest then.
    Trigger {
        text: Text,
        latest: Offset,
    },
}

/// A number of days from the anchor date; below zero, before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    pub days: i32,
    pub count: Count,
}

/// How days are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    Days,
    /// In days; what falls on a day off moves to the next working day, before the anchor to the one before.
    ToWorkingDay,
    WorkingDays,
}

/// What a discharge check looks for, by its name in files.
pub const DISCHARGE: [(&str, Discharge); 9] = [
    ("home_plan", Discharge::HomePlan),
    ("next_step_on_arrival", Discharge::NextStepOnArrival),
    ("next_step_on_discharge", Discharge::NextStepOnDischarge),
    ("follow_up_booked", Discharge::FollowUpBooked),
    ("answer_promised", Discharge::AnswerPromised),
    ("warning_signs", Discharge::WarningSigns),
    ("whom_to_call", Discharge::WhomToCall),
    ("as_needed_medicine", Discharge::AsNeededMedicine),
    ("relatives", Discharge::Relatives),
];

/// Reads a file. What is wrong is noted in `reading`.
pub(super) fn read(reading: &mut Reading<'_>, mut root: Part<'_>) -> Template {
    let key = reading.key(&mut root, "key");
    let version = reading.whole(&mut root, "version", 1..=10_000);
    let title = reading.both(&mut root, "title", TITLE);
    let description = reading.both(&mut root, "description", TEXT);
    let anchor = reading.both(&mut root, "anchor", TITLE);
    let mut phases = Vec::new();
    let mut places = Vec::new();
    for mut part in reading.parts(&mut root, "phases", 1) {
        let phase =
            Phase { key: reading.key(&mut part, "key"), title: reading.both(&mut part, "title", TITLE) };
        reading.done(&part);
        places.push((phase.key.clone(), part.place("key")));
        phases.push(phase);
    }
    reading.unique("phase key", places.iter().map(|(key, at)| (key.as_str(), *at)));
    let sections = sections(reading, &mut root);
    let warning_signs = list(reading, &mut root, "warning_signs", sign);
    let measurements = list(reading, &mut root, "measurements", measure);
    let mut items = Vec::new();
    places.clear();
    for mut part in reading.parts(&mut root, "items", 1) {
        let item = item(reading, &mut part);
        if !item.phase.is_empty() && !phases.iter().any(|phase| phase.key == item.phase) {
            let at = part.place("phase");
            reading
                .wrong(at, format!("there is no phase \"{}\": add [[phases]], or name another", item.phase));
        }
        places.push((item.key.clone(), part.place("key")));
        items.push(item);
    }
    reading.unique("item key", places.iter().map(|(key, at)| (key.as_str(), *at)));
    reading.done(&root);
    Template {
        key,
        version,
        title,
        description,
        anchor,
        phases,
        sections,
        warning_signs,
        measurements,
        items,
    }
}

fn list<T>(
    reading: &mut Reading<'_>,
    root: &mut Part<'_>,
    key: &'static str,
    read: fn(&mut Reading<'_>, &mut Part<'_>) -> T,
) -> Vec<T> {
    let mut found = Vec::new();
    for mut part in reading.parts(root, key, 0) {
        found.push(read(reading, &mut part));
        reading.done(&part);
    }
    found
}

fn sections(reading: &mut Reading<'_>, root: &mut Part<'_>) -> Vec<SectionText> {
    const KINDS: [(&str, SectionKind); 4] = [
        ("own_responsibility", SectionKind::OwnResponsibility),
        ("self_care", SectionKind::SelfCare),
        ("when_to_seek_help", SectionKind::WhenToSeekHelp),
        ("how_results_come", SectionKind::HowResultsCome),
    ];
    let mut found: Vec<SectionText> = Vec::new();
    for mut part in reading.parts(root, "sections", 0) {
        let kind = reading.word(&mut part, "section", &KINDS);
        let text = reading.languages(&mut part, TEXT);
        reading.done(&part);
        let Some(kind) = kind else { continue };
        if found.iter().any(|section| section.kind == kind) {
            reading.wrong(part.place("section"), "this section stands twice: make it one text");
        }
        found.push(SectionText { kind, text });
    }
    found
}

fn sign(reading: &mut Reading<'_>, part: &mut Part<'_>) -> Sign {
    let lights = [("green", SignLight::Green), ("yellow", SignLight::Yellow), ("red", SignLight::Red)];
    let light = reading.word(part, "light", &lights).unwrap_or(SignLight::Green);
    let phone = reading.opt_text(part, "phone", 20).map(|phone| match phone.as_str() {
        "own_unit" => SignPhone::OwnUnit,
        "112" | "1177" => SignPhone::Number(phone),
        _ => match crate::domain::phone::PhoneNumber::parse(&phone) {
            Ok(number) => SignPhone::Number(number.as_str().to_owned()),
            Err(e) => {
                let at = part.place("phone");
                let told = e.text(crate::locale::Locale::En);
                reading.wrong(at, format!("`phone` must be a number or \"own_unit\": {told}"));
                SignPhone::OwnUnit
            }
        },
    });
    if phone.is_none() && !part.has("phone") && light != SignLight::Green {
        reading.wrong(part.at, "`phone` is missing: add phone = \"112\", another number, or \"own_unit\"");
    }
    Sign {
        light,
        sign: reading.both(part, "sign", TEXT),
        action: reading.both(part, "action", TEXT),
        phone,
        weekdays: reading.opt_both(part, "weekdays", TEXT),
        weekends: reading.opt_both(part, "weekends", TEXT),
    }
}

fn measure(reading: &mut Reading<'_>, part: &mut Part<'_>) -> Measure {
    Measure {
        what: reading.both(part, "what", TITLE),
        unit: reading.text(part, "unit", 30),
        how_often: reading.both(part, "how_often", TITLE),
        read_by: reading.both(part, "read_by", TITLE),
        read_when: reading.both(part, "read_when", TITLE),
        outside: reading.both(part, "outside", TEXT),
    }
}

fn item(reading: &mut Reading<'_>, part: &mut Part<'_>) -> Item {
    const CATEGORIES: [(&str, Category); 9] = [
        ("coordination", Category::Coordination),
        ("contact", Category::Contact),
        ("self_care", Category::SelfCare),
        ("examination", Category::Examination),
        ("treatment", Category::Treatment),
        ("follow_up", Category::FollowUp),
        ("referral", Category::Referral),
        ("information", Category::Information),
        ("loan_of_equipment", Category::LoanOfEquipment),
    ];
    let owners = [("care", Owner::Care), ("patient", Owner::Patient), ("relative", Owner::Relative)];
    let key = reading.key(part, "key");
    let phase = reading.text(part, "phase", 60);
    let category = reading.word(part, "category", &CATEGORIES).unwrap_or(Category::Information);
    let owner = reading.word(part, "owner", &owners).unwrap_or(Owner::Care);
    let own_unit = reading.flag(part, "own_unit");
    let title = reading.both(part, "title", TITLE);
    let description = reading.opt_both(part, "description", TEXT);
    let when = if let Some(mut inner) = reading.opt_part(part, "when") {
        when(reading, &mut inner)
    } else {
        if !part.has("when") {
            reading.wrong(part.at, "`when` is missing: add for example when.days = 0");
        }
        When::On(Offset { days: 0, count: Count::Days })
    };
    let result = reading.opt_part(part, "result").map(|mut inner| {
        let how = reading.both(&mut inner, "how", TEXT);
        let by = offset(reading, &mut inner, "days", "working_days");
        reading.done(&inner);
        ResultPromise { how, by }
    });
    let discharge = reading.opt_word(part, "discharge", &DISCHARGE);
    let daily_call = reading.flag(part, "daily_call");
    let every_day = matches!(&when, When::Again { rule, .. } if rule.starts_with("FREQ=DAILY;COUNT="));
    if daily_call && (!every_day || owner != Owner::Care) {
        let at = part.place("daily_call");
        reading.wrong(
            at,
            "a daily call is care's, on every day: owner = \"care\" and when.every = \"FREQ=DAILY;COUNT=…\"",
        );
    }
    reading.done(part);
    Item { key, phase, category, owner, own_unit, title, description, when, result, discharge, daily_call }
}

fn when(reading: &mut Reading<'_>, part: &mut Part<'_>) -> When {
    const KINDS: &str = "give one of: days or working_days; from_days and to_days; first_day and every; trigger and latest_days";
    let none = Offset { days: 0, count: Count::Days };
    let on = offset(reading, part, "days", "working_days");
    let plain = |reading: &mut Reading<'_>, part: &mut Part<'_>, key| {
        reading.opt_whole(part, key, -FARTHEST..=FARTHEST).map(|days| Offset { days, count: Count::Days })
    };
    let (from, to) = (plain(reading, part, "from_days"), plain(reading, part, "to_days"));
    let first = plain(reading, part, "first_day");
    let every = reading.opt_text(part, "every", 200);
    let trigger = reading.opt_both(part, "trigger", TITLE);
    let latest = plain(reading, part, "latest_days");
    reading.done(part);
    let at = part.at;
    match (on, from.zip(to), first.zip(every), trigger.zip(latest)) {
        (Some(on), None, None, None) => When::On(on),
        (None, Some((from, to)), None, None) => {
            if from.days > to.days {
                reading.wrong(part.place("to_days"), "`to_days` must not be before `from_days`");
            }
            When::Between(from, to)
        }
        (None, None, Some((first, every)), None) => {
            let place = part.place("every");
            match recurrence::parse("every", &every) {
                Ok(rule) if rule.contains("COUNT=") => return When::Again { first, rule },
                Ok(_) => reading.wrong(place, "`every` must end: add COUNT, such as \"FREQ=DAILY;COUNT=14\""),
                Err(problem) => reading.wrong(place, format!("`every`: {}", problem.text.en)),
            }
            When::On(none)
        }
        (None, None, None, Some((text, latest))) => When::Trigger { text, latest },
        _ => {
            reading.wrong(at, KINDS);
            When::On(none)
        }
    }
}

/// A number of days or of working days.
fn offset(
    reading: &mut Reading<'_>,
    part: &mut Part<'_>,
    days: &'static str,
    working_days: &'static str,
) -> Option<Offset> {
    let adjusted = reading.flag(part, "on_working_day");
    let in_days = reading.opt_whole(part, days, -FARTHEST..=FARTHEST);
    let in_working_days = reading.opt_whole(part, working_days, -FARTHEST / 2..=FARTHEST / 2);
    match (in_days, in_working_days) {
        (Some(_), Some(_)) => {
            let at = part.place(working_days);
            reading.wrong(at, format!("give either `{days}` or `{working_days}`"));
            None
        }
        (Some(days), None) => {
            let count = if adjusted { Count::ToWorkingDay } else { Count::Days };
            Some(Offset { days, count })
        }
        (None, Some(days)) => Some(Offset { days, count: Count::WorkingDays }),
        (None, None) => None,
    }
}
