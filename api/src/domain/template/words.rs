//! A template's items and texts as a plan says them, in the patient's language.

use chrono::NaiveDate;
use entity::{CareUnitId, PlanItemId};

use super::dates::{day, times};
use crate::{
    domain::agreement::{
        canonical::ItemWording,
        content::{AgreementContent, Light, Measurement, Section, TextSection, WarningSign},
    },
    error::Text,
    library::{Item, Measure, SectionKind, Sign, SignLight, SignPhone, Template, When},
    locale::Locale,
};

/// For whom, and from when.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub locale: Locale,
    pub anchor: NaiveDate,
    pub today: NaiveDate,
    /// The unit that has the agreement, and its phone number.
    pub unit: CareUnitId,
    pub phone: &'a str,
}

impl Context<'_> {
    fn say(&self, text: &Text) -> String {
        text.in_locale(self.locale).to_owned()
    }
}

/// The wording of an item; none when its time has passed.
pub fn item(id: PlanItemId, item: &Item, with: &Context<'_>) -> Option<ItemWording> {
    let times = times(&item.when, with.anchor, with.today)?;
    let (recurrence, trigger) = match &item.when {
        When::Again { rule, .. } => (Some(rule.clone()), None),
        When::Trigger { text, .. } => (None, Some(with.say(text))),
        When::On(_) | When::Between(..) => (None, None),
    };
    let by = item.result.as_ref().and_then(|result| result.by);
    Some(ItemWording {
        id,
        category: item.category,
        title: with.say(&item.title),
        description: item.description.as_ref().map(|text| with.say(text)),
        owner: item.owner,
        relative_name: None,
        timing: times.timing,
        due_on: times.due_on,
        starts_on: times.starts_on,
        recurrence,
        trigger,
        responsible_unit: item.own_unit.then_some(with.unit),
        responsible_assignment: None,
        responsible_contact: None,
        goal: None,
        result_how: item.result.as_ref().map(|result| with.say(&result.how)),
        result_by: by.map(|offset| day(with.anchor, offset).max(with.today)),
    })
}

/// The template's texts for the sections that say nothing yet.
pub fn sections(template: &Template, content: &AgreementContent, with: &Context<'_>) -> Vec<Section> {
    let mut sections = Vec::new();
    for section in &template.sections {
        let kind = match section.kind {
            SectionKind::OwnResponsibility => TextSection::OwnResponsibility,
            SectionKind::SelfCare => TextSection::SelfCare,
            SectionKind::WhenToSeekHelp => TextSection::WhenToSeekHelp,
            SectionKind::HowResultsCome => TextSection::HowResultsCome,
        };
        if content.text(kind).is_none() {
            sections.push(Section::Text(kind, with.say(&section.text)));
        }
    }
    if content.warning_signs.is_empty() && !template.warning_signs.is_empty() {
        let signs = template.warning_signs.iter().map(|one| sign(one, with)).collect();
        sections.push(Section::WarningSigns(signs));
    }
    if content.own_measurements.is_empty() && !template.measurements.is_empty() {
        let measurements = template.measurements.iter().map(|one| measurement(one, with)).collect();
        sections.push(Section::OwnMeasurements(measurements));
    }
    sections
}

fn sign(sign: &Sign, with: &Context<'_>) -> WarningSign {
    WarningSign {
        light: match sign.light {
            SignLight::Red => Light::Red,
            SignLight::Yellow => Light::Yellow,
            SignLight::Green => Light::Green,
        },
        sign: with.say(&sign.sign),
        action: Some(with.say(&sign.action)),
        phone: sign.phone.as_ref().map(|phone| match phone {
            SignPhone::OwnUnit => with.phone.to_owned(),
            SignPhone::Number(number) => number.clone(),
        }),
        weekdays: sign.weekdays.as_ref().map(|text| with.say(text)),
        weekends: sign.weekends.as_ref().map(|text| with.say(text)),
    }
}

/// Without limits: they are the patient's own.
fn measurement(measure: &Measure, with: &Context<'_>) -> Measurement {
    Measurement {
        what: with.say(&measure.what),
        unit: measure.unit.clone(),
        lower: None,
        upper: None,
        how_often: with.say(&measure.how_often),
        read_by: Some(with.say(&measure.read_by)),
        read_when: Some(with.say(&measure.read_when)),
        outside: Some(with.say(&measure.outside)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use chrono::TimeDelta;
    use entity::plan_item_revision::Timing;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::{
        domain::{
            agreement::{content_rules, gaps},
            template::dates,
        },
        library::Library,
    };

    fn with(anchor: NaiveDate, today: NaiveDate, locale: Locale) -> Context<'static> {
        Context { locale, anchor, today, unit: CareUnitId(Uuid::nil()), phone: "+46846500410" }
    }

    proptest! {
        /// Whatever day a template is counted from, its items lack nothing, lie in order and ahead; a call a day is
        /// 14 distinct days, one after the other.
        #[test]
        fn any_anchor_date_gives_whole_items_and_fourteen_consecutive_days(
            ahead in 0_i64..1_096, earlier in 0_i64..60, english in any::<bool>(),
        ) {
            let anchor = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + TimeDelta::days(ahead);
            let today = anchor - TimeDelta::days(earlier);
            let locale = if english { Locale::En } else { Locale::Sv };
            let with = with(anchor, today, locale);
            for template in Library::load(None).unwrap().templates() {
                for given in &template.items {
                    let Some(wording) = item(PlanItemId(Uuid::nil()), given, &with) else {
                        return Err(TestCaseError::fail(format!("{} was left out", given.key)));
                    };
                    prop_assert_eq!(gaps::of_item(&wording), vec![]);
                    prop_assert!(wording.due_on.is_none_or(|due| due >= today));
                    prop_assert!(wording.starts_on.zip(wording.due_on).is_none_or(|(from, to)| from <= to));
                    prop_assert!(wording.result_by.is_none_or(|by| by >= today));
                    if given.daily_call {
                        prop_assert_eq!(wording.timing, Timing::Recurrence);
                        let first = wording.starts_on.unwrap();
                        let days: Vec<_> = dates::days(first, wording.due_on.unwrap()).collect();
                        prop_assert_eq!(first, anchor);
                        prop_assert_eq!(days.len(), 14);
                        prop_assert!(days.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::days(1)));
                    }
                }
            }
        }
    }

    #[test]
    fn every_shipped_text_fits_a_plan_in_both_languages() {
        let today = NaiveDate::from_ymd_opt(2027, 2, 1).unwrap();
        for template in Library::load(None).unwrap().templates() {
            for locale in Locale::ALL {
                let sections = sections(template, &AgreementContent::default(), &with(today, today, locale));
                assert!(!sections.is_empty());
                assert_eq!(content_rules::sections(&sections).as_ref(), Ok(&sections), "{}", template.key);
            }
        }
    }

    #[test]
    fn a_section_that_says_something_already_is_left_alone() {
        let today = NaiveDate::from_ymd_opt(2027, 2, 1).unwrap();
        let library = Library::load(None).unwrap();
        let mut content = AgreementContent { self_care: Some("Mitt eget".into()), ..Default::default() };
        let surgery = library.template("surgery").unwrap();
        let all = with(today, today, Locale::Sv);
        let texts = |sections: &[Section]| sections.iter().filter(|s| matches!(s, Section::Text(..))).count();
        assert_eq!(texts(&sections(surgery, &content, &all)), 3);
        for section in sections(surgery, &content, &all) {
            content.set(section);
        }
        assert_eq!(content.self_care.as_deref(), Some("Mitt eget"));
        assert!(sections(surgery, &content, &all).is_empty());
    }
}
