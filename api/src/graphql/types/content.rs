//! What a version says in lists: warning signs, as-needed medication, own measurements.

use async_graphql::{Enum, InputObject, Name, Value};

use crate::{
    domain::agreement::content::{self, Light, Measurement, Medicine},
    graphql::{
        plain::{At, Plain, plain_object},
        scalars::{Date, Decimal, PhoneNumber},
    },
};

/// How serious a warning sign (varningstecken) is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum WarningLight {
    /// Rött: at once.
    Red,
    /// Gult: something is changing.
    Yellow,
    /// Grönt: as usual.
    Green,
}

impl Plain for WarningLight {
    fn write(&self, _: &At<'_>) -> Value {
        Value::Enum(Name::new(match self {
            Self::Red => "RED",
            Self::Yellow => "YELLOW",
            Self::Green => "GREEN",
        }))
    }
}

impl From<Light> for WarningLight {
    fn from(light: Light) -> Self {
        match light {
            Light::Red => Self::Red,
            Light::Yellow => Self::Yellow,
            Light::Green => Self::Green,
        }
    }
}

impl From<WarningLight> for Light {
    fn from(light: WarningLight) -> Self {
        match light {
            WarningLight::Red => Self::Red,
            WarningLight::Yellow => Self::Yellow,
            WarningLight::Green => Self::Green,
        }
    }
}

plain_object! {
    /// A warning sign (varningstecken) and what to do about it.
    WarningSign {
        /// How serious it is.
        light: WarningLight,
        /// What the patient notices.
        sign: String,
        /// What to do then. None only while it is a draft, as with the numbers.
        action: Option<String>,
        /// Whom to call, in this order: 112 first for a red sign, then the number agreed on.
        call: Vec<PhoneNumber>,
        /// On weekdays (vardagar).
        weekdays: Option<String>,
        /// At weekends and on holidays (helger).
        weekends: Option<String>,
    }
}

/// Red first: what matters most is read first.
pub fn warning_signs(agreed: Vec<content::WarningSign>) -> Vec<WarningSign> {
    let mut agreed = agreed;
    agreed.sort_by_key(|sign| sign.light);
    agreed
        .into_iter()
        .map(|sign| {
            let emergency = (sign.light == Light::Red).then(|| "112".to_owned());
            let own = sign.phone.filter(|phone| Some(phone) != emergency.as_ref());
            WarningSign {
                light: sign.light.into(),
                sign: sign.sign,
                action: sign.action,
                call: emergency.into_iter().chain(own).map(PhoneNumber).collect(),
                weekdays: sign.weekdays,
                weekends: sign.weekends,
            }
        })
        .collect()
}

plain_object! {
    /// A medicine that is taken when needed (läkemedel vid behov), as the medication list has it.
    AsNeededMedicine {
        /// Its name.
        name: String,
        /// The dose, in words.
        dose: String,
        /// When it is taken.
        when: String,
        /// How much at most, in words.
        at_most: Option<String>,
        /// The medication list (läkemedelslista) it is taken from. None only while it is a draft, as with the date.
        source: Option<String>,
        /// The date of that list.
        source_on: Option<Date>,
    }
}

impl From<Medicine> for AsNeededMedicine {
    fn from(agreed: Medicine) -> Self {
        Self {
            name: agreed.name,
            dose: agreed.dose,
            when: agreed.when,
            at_most: agreed.at_most,
            source: agreed.source,
            source_on: agreed.source_on.map(Date),
        }
    }
}

plain_object! {
    /// Something that the patient measures (egen mätning), with agreed limits.
    OwnMeasurement {
        /// What is measured.
        what: String,
        /// In which unit.
        unit: String,
        /// Something is to be done below this.
        lower: Option<Decimal>,
        /// Something is to be done above this.
        upper: Option<Decimal>,
        /// How often.
        how_often: String,
        /// Who reads the values. None only while it is a draft, as with the two below.
        read_by: Option<String>,
        /// When they are read.
        read_when: Option<String>,
        /// What to do outside the limits.
        outside: Option<String>,
    }
}

impl From<Measurement> for OwnMeasurement {
    fn from(agreed: Measurement) -> Self {
        Self {
            what: agreed.what,
            unit: agreed.unit,
            lower: agreed.lower.map(Decimal),
            upper: agreed.upper.map(Decimal),
            how_often: agreed.how_often,
            read_by: agreed.read_by,
            read_when: agreed.read_when,
            outside: agreed.outside,
        }
    }
}

/// A warning sign (varningstecken). What is left out may be missing while it is a draft.
#[derive(InputObject)]
pub struct WarningSignInput {
    /// How serious it is.
    light: WarningLight,
    /// What the patient notices; at most 200 characters.
    sign: String,
    /// What to do then. This and the other texts: at most 1 000 characters each.
    action: Option<String>,
    /// Whom to call. 112 need not be given for a red sign: it is shown first.
    phone: Option<PhoneNumber>,
    /// On weekdays (vardagar).
    weekdays: Option<String>,
    /// At weekends and on holidays (helger).
    weekends: Option<String>,
}

impl From<WarningSignInput> for content::WarningSign {
    fn from(input: WarningSignInput) -> Self {
        Self {
            light: input.light.into(),
            sign: input.sign,
            action: input.action,
            phone: input.phone.map(|phone| phone.0),
            weekdays: input.weekdays,
            weekends: input.weekends,
        }
    }
}

/// A medicine that is taken when needed (läkemedel vid behov). Texts: at most 200 characters each.
#[derive(InputObject)]
pub struct AsNeededMedicineInput {
    /// Its name.
    name: String,
    /// The dose, in words.
    dose: String,
    /// When it is taken.
    when: String,
    /// How much at most, in words.
    at_most: Option<String>,
    /// The medication list (läkemedelslista) it is taken from. It may be left out while the agreement is a draft, as
    /// may the date.
    source: Option<String>,
    /// The date of that list.
    source_on: Option<Date>,
}

impl From<AsNeededMedicineInput> for Medicine {
    fn from(input: AsNeededMedicineInput) -> Self {
        Self {
            name: input.name,
            dose: input.dose,
            when: input.when,
            at_most: input.at_most,
            source: input.source,
            source_on: input.source_on.map(|day| day.0),
        }
    }
}

/// Something that the patient measures (egen mätning). Texts: at most 200 characters each, 1 000 where they may be
/// left out.
#[derive(InputObject)]
pub struct OwnMeasurementInput {
    /// What is measured.
    what: String,
    /// In which unit.
    unit: String,
    /// Something is to be done below this.
    lower: Option<Decimal>,
    /// Something is to be done above this.
    upper: Option<Decimal>,
    /// How often.
    how_often: String,
    /// Who reads the values. It may be left out while the agreement is a draft, as may the two below.
    read_by: Option<String>,
    /// When they are read.
    read_when: Option<String>,
    /// What to do outside the limits.
    outside: Option<String>,
}

impl From<OwnMeasurementInput> for Measurement {
    fn from(input: OwnMeasurementInput) -> Self {
        Self {
            what: input.what,
            unit: input.unit,
            lower: input.lower.map(|number| number.0),
            upper: input.upper.map(|number| number.0),
            how_often: input.how_often,
            read_by: input.read_by,
            read_when: input.read_when,
            outside: input.outside,
        }
    }
}
