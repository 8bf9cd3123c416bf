//! The scalars of the schema, and the opaque typed global ids.

use std::{borrow::Cow, fmt, str::FromStr};

use async_graphql::{ID, InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use uuid::Uuid;

use crate::http::graphql::types::Judge;

/// The types that have identity, by the prefix of their global ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, sea_orm::EnumIter)]
pub enum NodeKind {
    Agreement,
    AgreementOffer,
    AgreementRequest,
    AgreementVersion,
    Appointment,
    AppointmentType,
    Assignment,
    BatteryAnswerSet,
    CallLogEntry,
    CareContact,
    CareUnit,
    ContactAbsence,
    ContactOffer,
    ContactRequest,
    Goal,
    Patient,
    PlanItem,
    PlanItemConcern,
    ProgressNote,
    PlanLink,
    Reminder,
    ReminderPreference,
    Representative,
    SafetyInstruction,
    Schedule,
    Slot,
    SlotHold,
    Task,
    Thread,
    ThreadMessage,
    TimeOffer,
    TimeWish,
}

impl NodeKind {
    const ALL: &'static [(Self, &'static str)] = &[
        (Self::Agreement, "agr"),
        (Self::AgreementOffer, "off"),
        (Self::AgreementRequest, "req"),
        (Self::AgreementVersion, "ver"),
        (Self::Appointment, "apt"),
        (Self::AppointmentType, "typ"),
        (Self::Assignment, "asg"),
        (Self::BatteryAnswerSet, "ans"),
        (Self::CallLogEntry, "cal"),
        (Self::CareContact, "con"),
        (Self::CareUnit, "unt"),
        (Self::ContactAbsence, "abs"),
        (Self::ContactOffer, "cof"),
        (Self::ContactRequest, "crq"),
        (Self::Goal, "goa"),
        (Self::Patient, "pat"),
        (Self::PlanItem, "itm"),
        (Self::PlanItemConcern, "cnc"),
        (Self::ProgressNote, "nte"),
        (Self::PlanLink, "lnk"),
        (Self::Reminder, "rem"),
        (Self::ReminderPreference, "prf"),
        (Self::Representative, "rep"),
        (Self::SafetyInstruction, "saf"),
        (Self::Schedule, "sch"),
        (Self::Slot, "slt"),
        (Self::SlotHold, "hld"),
        (Self::Task, "tsk"),
        (Self::Thread, "thr"),
        (Self::ThreadMessage, "msg"),
        (Self::TimeOffer, "tof"),
        (Self::TimeWish, "wsh"),
    ];

    fn prefix(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, prefix)| prefix)
    }
}

/// An opaque global id: the type's prefix and the row's id. Any other form is no id at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GlobalId {
    pub kind: NodeKind,
    pub id: Uuid,
}

impl GlobalId {
    pub fn new(kind: NodeKind, id: impl Into<Uuid>) -> Self {
        Self { kind, id: id.into() }
    }

    /// The row's id, if `id` is a well-formed id of `kind`; anything else is treated as not found.
    pub fn row<T: From<Uuid>>(id: &ID, kind: NodeKind) -> Option<T> {
        Self::from_str(id).ok().filter(|g| g.kind == kind).map(|g| T::from(g.id))
    }
}

impl fmt::Display for GlobalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.kind.prefix(), self.id.simple())
    }
}

impl FromStr for GlobalId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (prefix, hex) = text.split_once('_').ok_or(())?;
        let (kind, _) = *NodeKind::ALL.iter().find(|(_, p)| *p == prefix).ok_or(())?;
        // One form only: what we hand out.
        if hex.len() != 32 || !hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(());
        }
        Uuid::try_parse(hex).map(|id| Self { kind, id }).map_err(|_| ())
    }
}

impl async_graphql::OutputType for GlobalId {
    fn type_name() -> Cow<'static, str> {
        <ID as async_graphql::OutputType>::type_name()
    }

    fn create_type_info(registry: &mut async_graphql::registry::Registry) -> String {
        <ID as async_graphql::OutputType>::create_type_info(registry)
    }

    async fn resolve(
        &self,
        _: &async_graphql::ContextSelectionSet<'_>,
        _: &async_graphql::Positioned<async_graphql::parser::types::Field>,
    ) -> async_graphql::ServerResult<Value> {
        Ok(Value::String(self.to_string()))
    }
}

/// The years of a life: the oldest who is in a register, and what anybody can agree on. A slip of the finger beyond
/// them would be planned for, and computed with.
const YEARS: std::ops::Range<i32> = 1850..2200;

/// A day of the Gregorian calendar without time, such as `2027-03-01`, in the years 1850 to 2199.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub NaiveDate);

impl Date {
    fn read(text: &str) -> Result<Self, &'static str> {
        match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            Ok(day) if YEARS.contains(&day.year()) => Ok(Self(day)),
            Ok(_) => Err("a date lies in the years 1850 to 2199"),
            Err(_) => Err("a date is written as 2027-03-01"),
        }
    }
}

/// A day of the Gregorian calendar without time, such as `2027-03-01`, in the years 1850 to 2199.
#[Scalar(specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        Self::read(text).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl super::plain::Plain for Date {
    fn write(&self, _: &super::plain::At<'_>) -> Value {
        Value::String(self.0.to_string())
    }
}

/// What each scalar of the schema takes. Where a text is wrong in itself is for the field to say, in the language of who
/// reads it; what is no text, no day and no time is told of the whole request, before anything of it runs.
pub const JUDGES: &[(&str, Judge)] = &[
    ("Date", |value| Date::read(text(value)?).map(drop)),
    ("DateTime", |value| match text(value)?.parse::<DateTime<Utc>>() {
        Ok(at) if YEARS.contains(&at.year()) => Ok(()),
        Ok(_) => Err("a time lies in the years 1850 to 2199"),
        Err(_) => Err("a time is written as 2027-03-01T09:30:00+01:00"),
    }),
    ("Decimal", |value| text(value).map(drop)),
    ("HsaId", |value| text(value).map(drop)),
    ("LanguageTag", |value| text(value).map(drop)),
    ("PersonalIdentityNumber", |value| text(value).map(drop)),
    ("PhoneNumber", |value| text(value).map(drop)),
];

fn text(value: &Value) -> Result<&str, &'static str> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err("it is written as a text"),
    }
}

macro_rules! text_scalar {
    ($(#[doc = $doc:literal])* $name:ident, $url:literal) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(pub String);

        $(#[doc = $doc])*
        #[Scalar(specified_by_url = $url)]
        impl ScalarType for $name {
            fn parse(value: Value) -> InputValueResult<Self> {
                match value {
                    Value::String(text) => Ok(Self(text)),
                    other => Err(InputValueError::expected_type(other)),
                }
            }

            fn to_value(&self) -> Value {
                Value::String(self.0.clone())
            }
        }

        impl super::plain::Plain for $name {
            fn write(&self, _: &super::plain::At<'_>) -> Value {
                Value::String(self.0.clone())
            }
        }
    };
}

text_scalar! {
    /// A phone number in E.164, such as `+46701740605`, or a Swedish short number such as `1177`.
    PhoneNumber, "https://www.itu.int/rec/T-REC-E.164/"
}
text_scalar! {
    /// A decimal number, exactly as it was agreed, such as `98.5`. A comma is accepted.
    Decimal, "https://www.w3.org/TR/xmlschema11-2/#decimal"
}
text_scalar! {
    /// An HSA-id of Sweden's directory of care, such as `SE2321000016-1003`. Case does not matter.
    HsaId, "https://www.inera.se/tjanster/katalogtjanst-hsa/"
}
text_scalar! {
    /// A BCP 47 language tag, such as `sv`.
    LanguageTag, "https://www.rfc-editor.org/info/bcp47"
}
text_scalar! {
    /// A personal identity number: personnummer, samordningsnummer or reserve number. Shown as `YYYYMMDD-NNNN`;
    /// accepted with ten or twelve digits, with `-`, `+` or neither. A regional reserve number (regionalt reservnummer)
    /// has its issuer's object identifier before it: `OID|NUMBER`, such as `1.2.752.97.3.1.3|991981000010`.
    PersonalIdentityNumber, "https://www.skatteverket.se/privat/folkbokforing/personnummer.4.3810a01c150939e893f18c29.html"
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable as _;

    use super::*;

    #[test]
    fn only_the_form_that_is_handed_out_is_an_id() {
        let id = GlobalId::new(NodeKind::Goal, Uuid::from_u128(0xabc));
        let text = id.to_string();
        assert_eq!(text.parse(), Ok(id));
        for other in [
            text.to_uppercase(),
            format!("{{{text}}}"),
            format!(" {text}"),
            format!("{text}\0"),
            text.replace("goa", "xyz"),
        ] {
            assert!(other.parse::<GlobalId>().is_err(), "{other:?}");
        }
        assert_eq!(GlobalId::row::<Uuid>(&ID(text), NodeKind::Agreement), None);
    }

    #[test]
    fn a_date_lies_in_the_years_of_a_life() {
        let parse = |text: &str| Date::parse(Value::String(text.to_owned()));
        for good in ["1850-01-01", "2027-03-01", "2199-12-31"] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in
            ["1849-12-31", "2200-01-01", "9999-12-31", "+262142-12-31", "0027-03-01", "2027-02-29", "1 mars"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_scalar_of_the_schema_has_a_judge() {
        let sdl = crate::graphql::schema::build(&crate::http::graphql::limits::Limits::default()).sdl();
        let scalars: Vec<_> = sdl
            .lines()
            .filter_map(|line| line.strip_prefix("scalar ")?.split(' ').next().map(str::to_owned))
            .collect();
        assert_eq!(scalars, JUDGES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }

    #[test]
    fn every_kind_has_one_prefix_of_its_own_and_its_ids_come_back_as_they_went() {
        let id = Uuid::from_u128(0xabc);
        let mut prefixes = std::collections::BTreeSet::new();
        for kind in NodeKind::iter() {
            let prefix = kind.prefix();
            assert!(prefix.len() == 3 && prefix.bytes().all(|b| b.is_ascii_lowercase()), "{kind:?}");
            assert!(prefixes.insert(prefix), "{kind:?} shares {prefix}");
            let text = GlobalId::new(kind, id).to_string();
            assert_eq!(text.parse(), Ok(GlobalId::new(kind, id)));
            for other in NodeKind::iter() {
                let found = GlobalId::row::<Uuid>(&ID(text.clone()), other);
                assert_eq!(found, (other == kind).then_some(id), "{kind:?} as {other:?}");
            }
        }
        assert_eq!(prefixes.len(), NodeKind::ALL.len());
    }
}
