//! Agreements with their versions, goals and items, hashed and assented to as the use cases do it.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use entity::{
    AgreementId, AgreementVersionId, AssignmentId, CareUnitId, GoalId, GoalRevisionId, PlanItemId,
    PlanItemRevisionId,
    access_event::ActorKind,
    agreement,
    agreement_version::{self, Party},
    care_relation, goal, goal_revision, plan_item,
    plan_item_revision::{self, Category, Owner, Timing},
    version_assent::{self, Given},
    version_goal, version_item,
};
use serde_json::json;
use uuid::Uuid;

use super::{
    history::Told,
    places,
    writer::{Whose, Writer},
};
use crate::{
    domain::agreement::{
        canonical::{self, Document, GoalWording, ItemWording},
        content::AgreementContent,
    },
    error::Fault,
};

/// When an item is due.
#[derive(Clone, Debug)]
pub enum When {
    On(NaiveDate),
    Between(NaiveDate, NaiveDate),
    /// RRULE from a day on, followed up on another.
    Every(&'static str, NaiveDate, NaiveDate),
    /// What it waits for, and the latest follow-up.
    After(String, NaiveDate),
}

#[derive(Clone, Debug)]
pub struct GoalText {
    pub text: String,
    pub status: goal::Status,
    pub achievement: goal::Achievement,
    pub set_by: Party,
    pub target_on: Option<NaiveDate>,
}

#[derive(Clone, Debug)]
pub struct ItemText {
    pub category: Category,
    pub title: String,
    pub description: Option<String>,
    pub owner: Owner,
    /// Of a relative who owns it.
    pub relative_name: Option<String>,
    pub when: When,
    /// The unit that answers for the item, when it is another than the agreement's.
    pub unit: Option<CareUnitId>,
    pub responsible: Option<AssignmentId>,
    /// Counted from 0.
    pub goal: Option<usize>,
    pub result_how: Option<String>,
    pub result_by: Option<NaiveDate>,
    pub status: plan_item::Status,
    pub status_reason: Option<String>,
    pub work_note: Option<String>,
}

/// How far an agreement has come.
#[derive(Clone, Copy, Debug)]
pub enum Stage {
    Draft,
    /// By care; waits for the patient.
    Proposed,
    Active,
    Ended(DateTime<Utc>, agreement::EndReason),
}

#[derive(Clone, Debug)]
pub struct AgreementText {
    pub stage: Stage,
    pub content: AgreementContent,
    pub goals: Vec<GoalText>,
    pub items: Vec<ItemText>,
    /// Of the role CARE: draws up the agreement and assents for care.
    pub author: AssignmentId,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Writer {
    /// An agreement with one version.
    pub fn agreement(&mut self, whose: Whose, text: AgreementText) -> Result<AgreementId, Fault> {
        let AgreementText { stage, content, goals, items, author, created_at, updated_at } = text;
        let id: AgreementId = self.ids.next();
        let version = self.ids.next();
        let mut document = Document {
            format: canonical::FORMAT,
            agreement: id,
            number: 1,
            base: None,
            content,
            goals: Vec::new(),
            items: Vec::new(),
        };
        let at = Wording { agreement: id, version, whose, author, created_at };
        for (n, goal) in goals.into_iter().enumerate() {
            let priority = i32::try_from(n + 1).unwrap_or(i32::MAX);
            document.goals.push(self.goal(&at, goal, priority)?);
        }
        let goal_ids: Vec<GoalId> = document.goals.iter().map(|goal| goal.id).collect();
        for item in items {
            document.items.push(self.item(&at, item, &goal_ids)?);
        }
        let (status, version_status, ended) = match stage {
            Stage::Draft => (agreement::Status::Draft, agreement_version::Status::Draft, None),
            Stage::Proposed => (agreement::Status::Proposed, agreement_version::Status::Proposed, None),
            Stage::Active => (agreement::Status::Active, agreement_version::Status::Active, None),
            Stage::Ended(at, reason) => {
                (agreement::Status::Ended, agreement_version::Status::Ended, Some((at, reason)))
            }
        };
        let proposed = !matches!(stage, Stage::Draft);
        let agreed = !matches!(stage, Stage::Draft | Stage::Proposed);
        let json = serde_json::to_string(&document.content).map_err(Fault::internal)?;
        let sealed = self.seal(places::CONTENT, version, &json)?;
        self.batch.agreement.push(agreement::Model {
            id,
            patient_id: whose.patient,
            care_unit_id: whose.unit,
            care_provider_id: whose.provider,
            region: self.core.settings.region.clone(),
            status,
            current_version_id: version,
            patient_group: None,
            end_reason: ended.map(|(_, reason)| reason),
            ended_at: ended.map(|(at, _)| at),
            ended_by_kind: ended.map(|_| ActorKind::Staff),
            ended_by_id: ended.map(|_| author.0),
            end_words: None,
            created_at,
            updated_at,
            row_version: 1,
        });
        let digest = if proposed { Some(document.digest()?) } else { None };
        let assent_at = created_at + TimeDelta::days(2);
        self.batch.agreement_version.push(agreement_version::Model {
            id: version,
            agreement_id: id,
            patient_id: whose.patient,
            care_unit_id: whose.unit,
            care_provider_id: whose.provider,
            number: 1,
            base_version_id: None,
            answers_version_id: None,
            status: version_status,
            withdrawal: None,
            content: sealed,
            hash: digest.clone(),
            hash_format: canonical::FORMAT,
            proposed_by: proposed.then_some(Party::Care),
            proposed_at: proposed.then_some(created_at),
            patient_assent_at: agreed.then_some(assent_at),
            patient_assent_kind: agreed.then_some(ActorKind::Patient),
            patient_assent_id: agreed.then_some(whose.patient.0),
            patient_assent_given: agreed.then_some(Given::Direct),
            objected_at: None,
            objected_by: None,
            care_assent_at: proposed.then_some(created_at),
            care_assent_id: proposed.then_some(author),
            created_at,
            row_version: 1,
        });
        if let Some(digest) = digest {
            let mut assent = |side, by_kind, by_id, at| {
                self.batch.version_assent.push(version_assent::Model {
                    id: self.ids.next(),
                    agreement_id: id,
                    version_id: version,
                    patient_id: whose.patient,
                    care_unit_id: whose.unit,
                    care_provider_id: whose.provider,
                    side,
                    by_kind,
                    by_id,
                    digest: digest.clone(),
                    given: Given::Direct,
                    at,
                    recorded_by: None,
                    setting: None,
                    interpreter: None,
                    present: None,
                });
            };
            assent(Party::Care, ActorKind::Staff, author.0, created_at);
            if agreed {
                assent(Party::Patient, ActorKind::Patient, whose.patient.0, assent_at);
            }
        }
        let until = ended.map(|(at, _)| at);
        self.relation(whose, care_relation::Source::Agreement, Some(id.0), created_at, until);
        self.tell_life(&at, &document, proposed, agreed.then_some(assent_at), ended)?;
        Ok(id)
    }

    /// How the agreement came about, act by act.
    fn tell_life(
        &mut self,
        of: &Wording,
        document: &Document,
        proposed: bool,
        agreed_at: Option<DateTime<Utc>>,
        ended: Option<(DateTime<Utc>, agreement::EndReason)>,
    ) -> Result<(), Fault> {
        let (author, patient) = ((ActorKind::Staff, of.author.0), (ActorKind::Patient, of.whose.patient.0));
        let told = |at, by, action, subject, before, after, event| Told {
            agreement: of.agreement,
            whose: of.whose,
            at,
            by,
            action,
            subject,
            before,
            after,
            event,
        };
        let begun = ("agreement", of.agreement.0);
        let after = json!({ "status": agreement::Status::Draft, "content": document.content });
        let at = of.created_at;
        self.tell(told(at, author, "agreementCreate", begun, None, Some(after), Some("agreement.created")))?;
        for goal in &document.goals {
            let after = json!({ "text": goal.text, "priority": goal.priority, "targetOn": goal.target_on });
            self.tell(told(at, author, "goalAdd", ("goal", goal.id.0), None, Some(after), None))?;
        }
        for item in &document.items {
            let after = json!({
                "title": item.title, "description": item.description, "category": item.category,
                "owner": item.owner, "timing": item.timing, "dueOn": item.due_on, "startsOn": item.starts_on,
                "responsibleUnit": item.responsible_unit, "responsibleAssignment": item.responsible_assignment,
            });
            self.tell(told(
                at,
                author,
                "planItemPropose",
                ("plan_item", item.id.0),
                None,
                Some(after),
                None,
            ))?;
        }
        let version = ("agreement_version", of.version.0);
        if proposed {
            let (before, after) = (
                json!({ "status": agreement_version::Status::Draft }),
                json!({ "status": agreement_version::Status::Proposed, "proposedBy": Party::Care }),
            );
            let event = Some("agreement.proposed");
            self.tell(told(at, author, "agreementPropose", version, Some(before), Some(after), event))?;
        }
        if let Some(at) = agreed_at {
            let (before, after) = (
                json!({ "status": agreement_version::Status::Proposed }),
                json!({ "status": agreement_version::Status::Active, "assent": Party::Patient }),
            );
            let event = Some("agreement.activated");
            self.tell(told(at, patient, "agreementAssent", version, Some(before), Some(after), event))?;
        }
        if let Some((at, reason)) = ended {
            let (before, after) = (
                json!({ "status": agreement::Status::Active }),
                json!({ "status": agreement::Status::Ended, "reason": reason }),
            );
            let event = Some("agreement.ended");
            self.tell(told(at, author, "agreementEnd", begun, Some(before), Some(after), event))?;
        }
        Ok(())
    }

    fn goal(&mut self, at: &Wording, text: GoalText, priority: i32) -> Result<GoalWording, Fault> {
        let (id, revision): (GoalId, GoalRevisionId) = (self.ids.next(), self.ids.next());
        let whose = at.whose;
        let (by_kind, by_id) = at.by(text.set_by);
        self.batch.goal.push(goal::Model {
            id,
            agreement_id: at.agreement,
            patient_id: whose.patient,
            care_unit_id: whose.unit,
            care_provider_id: whose.provider,
            status: text.status,
            achievement: text.achievement,
            set_by: text.set_by,
            status_reason: None,
            status_by_kind: None,
            status_at: None,
            achievement_by_kind: None,
            achievement_at: None,
            created_at: at.created_at,
            row_version: 1,
        });
        let sealed = self.seal(places::GOAL, revision, &text.text)?;
        self.batch.goal_revision.push(goal_revision::Model {
            id: revision,
            goal_id: id,
            patient_id: whose.patient,
            care_unit_id: whose.unit,
            care_provider_id: whose.provider,
            text: sealed,
            priority,
            target_on: text.target_on,
            by_kind,
            by_id,
            created_at: at.created_at,
        });
        self.batch.version_goal.push(version_goal::Model {
            version_id: at.version,
            goal_id: id,
            goal_revision_id: revision,
        });
        Ok(GoalWording { id, text: text.text, priority, target_on: text.target_on })
    }

    fn item(&mut self, at: &Wording, text: ItemText, goals: &[GoalId]) -> Result<ItemWording, Fault> {
        let (id, revision): (PlanItemId, PlanItemRevisionId) = (self.ids.next(), self.ids.next());
        let whose = at.whose;
        let proposed_by = if text.owner == Owner::Patient { Party::Patient } else { Party::Care };
        let (by_kind, by_id) = at.by(proposed_by);
        let settled = !matches!(text.status, plan_item::Status::Proposed | plan_item::Status::Accepted);
        let (status_reason, work_note) = (
            self.seal_opt(places::STATUS_REASON, id, text.status_reason.as_deref())?,
            self.seal_opt(places::WORK_NOTE, id, text.work_note.as_deref())?,
        );
        self.batch.plan_item.push(plan_item::Model {
            id,
            agreement_id: at.agreement,
            patient_id: whose.patient,
            care_unit_id: whose.unit,
            care_provider_id: whose.provider,
            status: text.status,
            proposed_by,
            status_reason,
            status_by_kind: settled.then_some(by_kind),
            status_at: settled.then_some(at.created_at + TimeDelta::days(3)),
            started_at: (text.status == plan_item::Status::InProgress)
                .then_some(at.created_at + TimeDelta::days(3)),
            work_note,
            referral_state: None,
            referral_on: None,
            result_told_on: None,
            result_told_how: None,
            relative_consent_revision_id: None,
            relative_consent_at: None,
            relative_consent_words: None,
            relative_consent_by_id: None,
            guarantee_kind: None,
            guarantee_from: None,
            created_at: at.created_at,
            row_version: 1,
        });
        if settled {
            let told_at = at.created_at + TimeDelta::days(3);
            self.tell(Told {
                agreement: at.agreement,
                whose,
                at: told_at,
                by: (by_kind, by_id),
                action: "planItemComplete",
                subject: ("plan_item", id.0),
                before: Some(json!({ "status": plan_item::Status::Accepted })),
                after: Some(json!({ "status": text.status, "reason": text.status_reason })),
                event: None,
            })?;
        }
        let (timing, starts_on, due_on, recurrence, trigger) = match text.when {
            When::On(day) => (Timing::Date, None, day, None, None),
            When::Between(from, until) => (Timing::Period, Some(from), until, None, None),
            When::Every(rule, from, until) => {
                (Timing::Recurrence, Some(from), until, Some(rule.to_owned()), None)
            }
            When::After(what, latest) => (Timing::Trigger, None, latest, None, Some(what)),
        };
        let wording = ItemWording {
            id,
            category: text.category,
            title: text.title,
            description: text.description,
            owner: text.owner,
            relative_name: text.relative_name,
            timing,
            due_on: Some(due_on),
            starts_on,
            recurrence,
            trigger,
            responsible_unit: text.unit.or(Some(whose.unit)),
            responsible_assignment: text.responsible,
            responsible_contact: None,
            goal: text.goal.and_then(|n| goals.get(n).copied()),
            result_how: text.result_how,
            result_by: text.result_by,
        };
        let row = plan_item_revision::Model {
            id: revision,
            plan_item_id: id,
            patient_id: whose.patient,
            care_unit_id: whose.unit,
            care_provider_id: whose.provider,
            category: wording.category,
            title: self.seal(places::TITLE, revision, &wording.title)?,
            description: self.seal_opt(places::DESCRIPTION, revision, wording.description.as_deref())?,
            owner: wording.owner,
            relative_name: self.seal_opt(
                places::RELATIVE_NAME,
                revision,
                wording.relative_name.as_deref(),
            )?,
            timing,
            due_on: wording.due_on,
            starts_on,
            recurrence: wording.recurrence.clone(),
            trigger: self.seal_opt(places::TRIGGER, revision, wording.trigger.as_deref())?,
            responsible_unit_id: wording.responsible_unit,
            responsible_assignment_id: wording.responsible_assignment,
            responsible_contact_id: wording.responsible_contact,
            goal_id: wording.goal,
            result_how: self.seal_opt(places::RESULT_HOW, revision, wording.result_how.as_deref())?,
            result_by: wording.result_by,
            by_kind,
            by_id,
            created_at: at.created_at,
        };
        self.batch.plan_item_revision.push(row);
        self.batch.version_item.push(version_item::Model {
            version_id: at.version,
            plan_item_id: id,
            plan_item_revision_id: revision,
        });
        Ok(wording)
    }
}

/// What the wordings of one version have in common.
struct Wording {
    agreement: AgreementId,
    version: AgreementVersionId,
    whose: Whose,
    author: AssignmentId,
    created_at: DateTime<Utc>,
}

impl Wording {
    fn by(&self, party: Party) -> (ActorKind, Uuid) {
        match party {
            Party::Patient => (ActorKind::Patient, self.whose.patient.0),
            Party::Care => (ActorKind::Staff, self.author.0),
        }
    }
}
