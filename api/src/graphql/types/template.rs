//! Templates of courses of care.

use super::enums::{PlanItemCategory, PlanItemOwner, PlanItemTiming};
use crate::{
    error::Text,
    graphql::{
        plain::{plain_enum, plain_object},
        scalars::{Date, GlobalId},
    },
    library,
    session::Session,
};

plain_enum! {
    /// What a discharge check (utskrivningskontroll) looks for before the patient goes home.
    DischargeCode = entity::template_item::Discharge {
        /// The plan for coping at home (hemplan).
        HomePlan,
        /// The next step, told on arrival (nästa steg vid ankomst).
        NextStepOnArrival,
        /// The next step, known on discharge (nästa steg vid hemgång).
        NextStepOnDischarge,
        /// Follow-up test or removal of stitches, booked before going home (bokad provtagning eller borttagning av
        /// stygn).
        FollowUpBooked,
        /// How and by when the answer comes (hur svaret kommer).
        AnswerPromised,
        /// What to watch for (varningstecken).
        WarningSigns,
        /// Whom to call on weekdays and at weekends (vem man ringer vardag och helg).
        WhomToCall,
        /// Medicine as needed (läkemedel vid behov).
        AsNeededMedicine,
        /// Relatives take part, if the patient wants (närstående).
        Relatives,
    }
}

plain_object! {
    /// Something that is missing before the patient goes home.
    DischargeGap {
        /// What, for programs.
        code: DischargeCode,
        /// What is missing and what to do, in the language of `Accept-Language`.
        message: String,
        /// The plan item that it is about; none when the plan has it no longer.
        plan_item_id: Option<GlobalId>,
    }
}

plain_object! {
    /// The discharge check (utskrivningskontroll): what is missing before the patient goes home.
    DischargeCheck {
        /// Whether nothing is missing.
        is_complete: bool,
        /// Everything that is missing.
        gaps: Vec<DischargeGap>,
    }
}

plain_object! {
    /// Something that is still open in a draft after a template was put into it.
    TemplateOpenPoint {
        /// The plan item it is about, if it is about one.
        plan_item_id: Option<GlobalId>,
        /// The part that is missing, such as `timing`.
        field: String,
        /// What is missing, in the language of `Accept-Language`.
        message: String,
    }
}

plain_object! {
    /// What a template put into a draft.
    AppliedTemplate {
        /// The template's name.
        key: String,
        /// Its version.
        version: i32,
        /// The day that times are counted from.
        anchor_on: Date,
        /// The plan items that were added and are still in the draft.
        plan_item_ids: Vec<GlobalId>,
        /// The template's items (`key`) that were not added, because their time has passed, or were taken out again.
        left_out: Vec<String>,
        /// What is missing before the draft can be proposed: what `agreementPropose` would refuse it for.
        open: Vec<TemplateOpenPoint>,
        /// The added items that care does without a responsible unit, person or contact (ansvarig). The draft can be
        /// proposed like that; the patient is then told to call the fast vårdkontakt, or the unit.
        without_responsible_ids: Vec<GlobalId>,
    }
}

plain_object! {
    /// A part of a course of care (skede), such as "before the operation".
    TemplatePhase {
        /// Its name within the template.
        key: String,
        /// Its heading, in the language of `Accept-Language`.
        title: String,
    }
}

plain_object! {
    /// A plan item as a template has it.
    TemplateItem {
        /// Its name within the template.
        key: String,
        /// The part it belongs to: the phase's `key`.
        phase: String,
        /// What kind of item.
        category: PlanItemCategory,
        /// Who does it.
        owner: PlanItemOwner,
        /// What, in plain words.
        title: String,
        /// More about it.
        description: Option<String>,
        /// How its time is told.
        timing: PlanItemTiming,
        /// The day, the first day of a period or recurrence, or the latest follow-up: in days from the anchor date,
        /// below zero before it.
        days: i32,
        /// Whether `days` counts working days (arbetsdagar).
        in_working_days: bool,
        /// The last day of a period, in days from the anchor date.
        until_days: Option<i32>,
        /// Of a recurrence: its RFC 5545 rule.
        recurrence: Option<String>,
        /// What it waits for, such as "när provsvaret har kommit".
        trigger: Option<String>,
        /// How the result is told.
        result_how: Option<String>,
        /// What a discharge check (utskrivningskontroll) looks for in it.
        discharge_code: Option<DischargeCode>,
        /// Whether a day without the call is raised as a missed call (missat samtal).
        daily_call: bool,
        /// Whether care does it and the template cannot say which unit. The plan can be proposed without one.
        needs_responsible_unit: bool,
    }
}

plain_object! {
    /// A template (mall för ett vårdförlopp): items and texts with times relative to an anchor date.
    Template {
        /// Its name, for `agreementApplyTemplate`.
        key: String,
        /// The version: a changed text has a new one.
        version: i32,
        /// Its heading, in the language of `Accept-Language`.
        title: String,
        /// What it is for.
        description: String,
        /// What the anchor date is, such as "operationsdagen".
        anchor: String,
        /// Whether it ships with the service; otherwise the region added it.
        is_shipped: bool,
        /// Its parts, in order.
        phases: Vec<TemplatePhase>,
        /// Its items, in order.
        items: Vec<TemplateItem>,
    }
}

impl Template {
    /// As the session's reader sees it.
    pub fn of(template: &library::Template, session: &Session) -> Self {
        let say = |text: &Text| text.in_locale(session.locale).to_owned();
        let phase =
            |phase: &library::Phase| TemplatePhase { key: phase.key.clone(), title: say(&phase.title) };
        Self {
            key: template.key.clone(),
            version: template.version,
            title: say(&template.title),
            description: say(&template.description),
            anchor: say(&template.anchor),
            is_shipped: session.core.library.template_is_shipped(template),
            phases: template.phases.iter().map(phase).collect(),
            items: template.items.iter().map(|one| item(one, &say)).collect(),
        }
    }
}

fn item(item: &library::Item, say: &impl Fn(&Text) -> String) -> TemplateItem {
    use entity::plan_item_revision::Timing;
    use library::When;
    let (timing, at, until) = match &item.when {
        When::On(at) => (Timing::Date, at, None),
        When::Between(from, to) => (Timing::Period, from, Some(to.days)),
        When::Again { first, .. } => (Timing::Recurrence, first, None),
        When::Trigger { latest, .. } => (Timing::Trigger, latest, None),
    };
    TemplateItem {
        key: item.key.clone(),
        phase: item.phase.clone(),
        category: item.category.into(),
        owner: item.owner.into(),
        title: say(&item.title),
        description: item.description.as_ref().map(say),
        timing: timing.into(),
        days: at.days,
        in_working_days: at.count == library::Count::WorkingDays,
        until_days: until,
        recurrence: match &item.when {
            When::Again { rule, .. } => Some(rule.clone()),
            _ => None,
        },
        trigger: match &item.when {
            When::Trigger { text, .. } => Some(say(text)),
            _ => None,
        },
        result_how: item.result.as_ref().map(|result| say(&result.how)),
        discharge_code: item.discharge.map(Into::into),
        daily_call: item.daily_call,
        needs_responsible_unit: !item.own_unit && item.owner == entity::plan_item_revision::Owner::Care,
    }
}
