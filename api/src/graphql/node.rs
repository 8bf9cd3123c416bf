//! The `Node` interface: anything with identity, refetched by its id under the same rules.

use std::{borrow::Cow, sync::Arc};

use async_graphql::{
    Context, ContextSelectionSet, Positioned, Result, ServerResult, Value,
    parser::types::Field,
    registry::{MetaType, MetaTypeId, Registry},
};

use super::{
    assignment::Assignment,
    care_unit::CareUnit,
    patient::Patient,
    plain::meta_field,
    read::{self, beginning, contact_work, node, overlay, representative, time_wish},
    scalars::{GlobalId, NodeKind},
    thread::{self, Thread},
    types::{
        agreement::{Agreement, AgreementVersion, Goal, PlanItem},
        battery::BatteryAnswerSet,
        beginning::{AgreementOffer, AgreementRequest},
        booking::{Appointment, AppointmentType, Slot, SlotHold},
        calls::CallLogEntry,
        life::{PlanItemConcern, ProgressNote},
        messages::{ReminderPreference, ThreadMessage},
        overlay::{PlanLink, SafetyInstruction},
        people::{CareContact, ContactAbsence, ContactOffer, ContactRequest},
        reminders::UndeliveredReminder,
        representative::Representative,
        schedule::Schedule,
        tasks::Task,
        time_wish::{TimeOffer, TimeWish},
    },
};

macro_rules! nodes {
    ($($variant:ident($ty:ty)),+ $(,)?) => {
        /// Anything with a global id.
        pub enum Node {
            $($variant($ty)),+
        }

        impl async_graphql::OutputType for Node {
            fn type_name() -> Cow<'static, str> {
                Cow::Borrowed("Node")
            }

            fn introspection_type_name(&self) -> Cow<'static, str> {
                match self {
                    $(Self::$variant(_) => <$ty as async_graphql::OutputType>::type_name()),+
                }
            }

            fn create_type_info(registry: &mut Registry) -> String {
                registry.create_output_type::<Self, _>(MetaTypeId::Interface, |registry| {
                    let mut possible_types = async_graphql::indexmap::IndexSet::new();
                    $(
                        <$ty as async_graphql::OutputType>::create_type_info(registry);
                        let name = <$ty as async_graphql::OutputType>::type_name();
                        registry.add_implements(&name, "Node");
                        possible_types.insert(name.into_owned());
                    )+
                    let id = <GlobalId as async_graphql::OutputType>::create_type_info(registry);
                    MetaType::Interface {
                        name: "Node".to_owned(),
                        description: Some("Anything with a global id, refetched with `Query.node`.".to_owned()),
                        fields: [meta_field("id".into(), &["Global id."], id)].into_iter().collect(),
                        possible_types,
                        extends: false,
                        inaccessible: false,
                        tags: Vec::new(),
                        keys: None,
                        visible: None,
                        rust_typename: Some(std::any::type_name::<Self>()),
                        directive_invocations: Vec::new(),
                        requires_scopes: Vec::new(),
                    }
                })
            }

            async fn resolve(
                &self,
                ctx: &ContextSelectionSet<'_>,
                field: &Positioned<Field>,
            ) -> ServerResult<Value> {
                match self {
                    $(Self::$variant(object) => async_graphql::OutputType::resolve(object, ctx, field).await),+
                }
            }
        }
    };
}

nodes! {
    Agreement(Agreement),
    AgreementOffer(AgreementOffer),
    AgreementRequest(AgreementRequest),
    AgreementVersion(AgreementVersion),
    Appointment(Appointment),
    AppointmentType(AppointmentType),
    Assignment(Assignment),
    BatteryAnswerSet(BatteryAnswerSet),
    CallLogEntry(CallLogEntry),
    CareContact(CareContact),
    CareUnit(CareUnit),
    ContactAbsence(ContactAbsence),
    ContactOffer(ContactOffer),
    ContactRequest(ContactRequest),
    Goal(Arc<Goal>),
    Patient(Patient),
    PlanItem(Arc<PlanItem>),
    PlanItemConcern(PlanItemConcern),
    ProgressNote(ProgressNote),
    PlanLink(PlanLink),
    Reminder(UndeliveredReminder),
    ReminderPreference(ReminderPreference),
    Representative(Representative),
    SafetyInstruction(SafetyInstruction),
    Schedule(Schedule),
    Slot(Slot),
    SlotHold(SlotHold),
    Task(Task),
    Thread(Thread),
    ThreadMessage(ThreadMessage),
    TimeOffer(TimeOffer),
    TimeWish(TimeWish),
}

impl Node {
    /// The object with this id, or none: missing and out of reach look alike.
    pub async fn load(ctx: &Context<'_>, id: GlobalId) -> Result<Option<Self>> {
        let row = id.id;
        Ok(match id.kind {
            NodeKind::Agreement => node::agreement(ctx, row.into()).await?.map(Self::Agreement),
            NodeKind::AgreementOffer => beginning::offer(ctx, row.into()).await?.map(Self::AgreementOffer),
            NodeKind::AgreementRequest => {
                beginning::request(ctx, row.into()).await?.map(Self::AgreementRequest)
            }
            NodeKind::AgreementVersion => {
                node::agreement_version(ctx, row.into()).await?.map(Self::AgreementVersion)
            }
            NodeKind::Appointment => node::appointment(ctx, row.into()).await?.map(Self::Appointment),
            NodeKind::AppointmentType => {
                node::appointment_type(ctx, row.into()).await?.map(Self::AppointmentType)
            }
            NodeKind::Assignment => node::assignment(ctx, row.into()).await?.map(Self::Assignment),
            NodeKind::BatteryAnswerSet => {
                read::battery::by_id(ctx, row.into()).await?.map(Self::BatteryAnswerSet)
            }
            NodeKind::CallLogEntry => read::call::call(ctx, row.into()).await?.map(Self::CallLogEntry),
            NodeKind::CareContact => node::care_contact(ctx, row.into()).await?.map(Self::CareContact),
            NodeKind::CareUnit => CareUnit::load(ctx, row.into()).await?.map(Self::CareUnit),
            NodeKind::ContactAbsence => {
                contact_work::absence(ctx, row.into()).await?.map(Self::ContactAbsence)
            }
            NodeKind::ContactOffer => contact_work::offer(ctx, row.into()).await?.map(Self::ContactOffer),
            NodeKind::ContactRequest => {
                contact_work::request(ctx, row.into()).await?.map(Self::ContactRequest)
            }
            NodeKind::Goal => node::goal(ctx, row.into()).await?.map(Self::Goal),
            NodeKind::Patient => node::patient(ctx, row.into()).await?.map(Self::Patient),
            NodeKind::PlanItem => node::plan_item(ctx, row.into()).await?.map(Self::PlanItem),
            NodeKind::PlanItemConcern => node::concern(ctx, row.into()).await?.map(Self::PlanItemConcern),
            NodeKind::ProgressNote => node::progress_note(ctx, row.into()).await?.map(Self::ProgressNote),
            NodeKind::PlanLink => overlay::link(ctx, row.into()).await?.map(Self::PlanLink),
            NodeKind::SafetyInstruction => {
                overlay::instruction(ctx, row.into()).await?.map(Self::SafetyInstruction)
            }
            NodeKind::Representative => {
                representative::representative(ctx, row.into()).await?.map(Self::Representative)
            }
            NodeKind::Schedule => read::schedule::schedule(ctx, row.into()).await?.map(Self::Schedule),
            NodeKind::Slot => node::slot(ctx, row.into()).await?.map(Self::Slot),
            NodeKind::SlotHold => read::appointment::hold(ctx, row.into()).await?.map(Self::SlotHold),
            NodeKind::Task => read::task::task(ctx, row.into()).await?.map(Self::Task),
            NodeKind::Reminder => read::undelivered::by_id(ctx, row.into()).await?.map(Self::Reminder),
            NodeKind::ReminderPreference => {
                node::reminder_preference(ctx, row.into()).await?.map(Self::ReminderPreference)
            }
            NodeKind::Thread => thread::thread(ctx, row.into()).await?.map(Self::Thread),
            NodeKind::TimeOffer => time_wish::offer(ctx, row.into()).await?.map(Self::TimeOffer),
            NodeKind::TimeWish => time_wish::wish(ctx, row.into()).await?.map(Self::TimeWish),
            NodeKind::ThreadMessage => thread::message(ctx, row.into()).await?.map(Self::ThreadMessage),
        })
    }
}
