//! Whatever patient and care do, in whatever order: nothing comes into force without both assents to exactly that
//! text, there is never more than one version in force, and what somebody has assented to never changes.

use entity::{
    AgreementVersionId, agreement,
    agreement_version::{Party, Status, Withdrawal},
};
use proptest::prelude::*;
use uuid::Uuid;

use super::rules::{self, Assented, Facts, Place, assent, place};

/// One act of one side. Versions are named by position, which may not exist.
#[derive(Clone, Debug)]
enum Act {
    /// Writes into the draft, or proposes a successor.
    Edit {
        by: Party,
    },
    Revise,
    Counter {
        by: Party,
        version: usize,
    },
    Withdraw {
        by: Party,
        version: usize,
    },
    Propose {
        by: Party,
    },
    /// With the digest of this version, or of another one.
    Assent {
        by: Party,
        version: usize,
        read: usize,
    },
    Accept {
        by: Party,
        version: usize,
    },
    End,
}

#[derive(Clone, Debug)]
struct Version {
    id: AgreementVersionId,
    base: Option<AgreementVersionId>,
    answers: Option<AgreementVersionId>,
    status: Status,
    withdrawal: Option<Withdrawal>,
    proposed_by: Option<Party>,
    text: Vec<u8>,
    digest: Option<Vec<u8>>,
    /// What each side had read when it assented.
    patient: Option<Vec<u8>>,
    care: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
struct Life {
    status: agreement::Status,
    versions: Vec<Version>,
    written: u8,
}

impl Life {
    fn new() -> Self {
        let mut life = Self { status: agreement::Status::Draft, versions: Vec::new(), written: 0 };
        life.open(vec![0], None, None);
        life
    }

    fn open(
        &mut self,
        text: Vec<u8>,
        base: Option<AgreementVersionId>,
        answers: Option<AgreementVersionId>,
    ) -> usize {
        let id = AgreementVersionId(Uuid::from_u128(self.versions.len() as u128 + 1));
        self.versions.push(Version {
            id,
            base,
            answers,
            status: Status::Draft,
            withdrawal: None,
            proposed_by: None,
            text,
            digest: None,
            patient: None,
            care: None,
        });
        self.versions.len() - 1
    }

    fn in_force(&self) -> Option<AgreementVersionId> {
        self.versions.iter().find(|v| v.status == Status::Active).map(|v| v.id)
    }

    fn draft(&self) -> Option<usize> {
        self.versions.iter().position(|v| v.status == Status::Draft)
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Edit { by } => self.edit(*by),
            Act::Revise => {
                if rules::revise(self.status, self.draft().is_some()).is_ok()
                    && let Some(base) = self.versions.iter().find(|v| v.status == Status::Active).cloned()
                {
                    self.open(base.text, Some(base.id), None);
                }
            }
            Act::Counter { by, version } => {
                let draft = self.draft().is_some();
                if let Some(v) = self.versions.get(*version).cloned()
                    && rules::counter(self.status, draft, v.status, v.proposed_by, *by).is_ok()
                {
                    self.open(v.text, v.base, Some(v.id));
                }
            }
            Act::Withdraw { by, version } => self.withdraw(*by, *version),
            Act::Propose { by } => {
                if let Some(draft) = self.draft()
                    && self.versions[draft].base == self.in_force()
                {
                    self.propose(*by, draft);
                }
            }
            Act::Assent { by, version, read } => {
                let digest = self.versions.get(*read).and_then(|v| v.digest.clone()).unwrap_or_default();
                self.assent(*by, *version, Some(&digest));
            }
            Act::Accept { by, version } => self.assent(*by, *version, None),
            Act::End => {
                self.status = agreement::Status::Ended;
                for version in &mut self.versions {
                    if version.status == Status::Active {
                        version.status = Status::Ended;
                    }
                }
            }
        }
    }

    fn edit(&mut self, by: Party) {
        self.written = self.written.wrapping_add(1);
        let written = self.written;
        match place(self.status, self.draft().is_some()) {
            Ok(Place::Draft) => {
                if let Some(draft) = self.draft() {
                    self.versions[draft].text.push(written);
                }
            }
            Ok(Place::Proposal) => {
                let base = self.versions.iter().find(|v| v.status == Status::Active).cloned();
                let Some(base) = base else { return };
                let mut text = base.text.clone();
                text.push(written);
                let next = self.open(text, Some(base.id), None);
                self.propose(by, next);
            }
            Err(_) => {}
        }
    }

    fn propose(&mut self, by: Party, version: usize) {
        let next = &mut self.versions[version];
        next.status = Status::Proposed;
        next.proposed_by = Some(by);
        next.digest = Some(next.text.clone());
        next.assented(by, next.text.clone());
        if let Some(answered) = next.answers
            && let Some(answered) =
                self.versions.iter_mut().find(|v| v.id == answered && v.status == Status::Proposed)
        {
            (answered.status, answered.withdrawal) = (Status::Withdrawn, Some(Withdrawal::Countered));
        }
        if self.status == agreement::Status::Draft {
            self.status = agreement::Status::Proposed;
        }
    }

    fn withdraw(&mut self, by: Party, version: usize) {
        let Some(v) = self.versions.get(version).cloned() else { return };
        if rules::withdraw(self.status, v.status, v.proposed_by, by).is_err() {
            return;
        }
        let proposed = v.status == Status::Proposed && self.status == agreement::Status::Proposed;
        if proposed && self.draft().is_none() {
            self.open(v.text, None, None);
        }
        let this = &mut self.versions[version];
        (this.status, this.withdrawal) = (Status::Withdrawn, Some(Withdrawal::TakenBack));
        match self.status {
            agreement::Status::Proposed if proposed => self.status = agreement::Status::Draft,
            agreement::Status::Draft => self.status = agreement::Status::Ended,
            _ => {}
        }
    }

    fn assent(&mut self, by: Party, version: usize, read: Option<&[u8]>) {
        let in_force = self.in_force();
        let Some(v) = self.versions.get(version) else { return };
        let facts = Facts {
            agreement: self.status,
            in_force,
            status: v.status,
            withdrawal: v.withdrawal,
            base: v.base,
            digest: v.digest.as_deref(),
            patient_assented: v.patient.is_some(),
            care_assented: v.care.is_some(),
            objection: None,
            has_last_word: false,
        };
        let Ok(effect) = assent(&facts, by, read) else { return };
        let read = read.map_or_else(|| self.versions[version].text.clone(), <[u8]>::to_vec);
        self.versions[version].assented(by, read);
        if effect == Assented::Activates {
            let (id, text) = (self.versions[version].id, self.versions[version].text.clone());
            for (n, other) in self.versions.iter_mut().enumerate() {
                match other.status {
                    Status::Active => other.status = Status::Superseded,
                    Status::Proposed if n != version => {
                        (other.status, other.withdrawal) = (Status::Withdrawn, Some(Withdrawal::BaseMoved));
                    }
                    // The draft goes on from what is in force now.
                    Status::Draft => {
                        other.base = Some(id);
                        other.text.extend(&text);
                    }
                    _ => {}
                }
            }
            self.versions[version].status = Status::Active;
            self.status = agreement::Status::Active;
        }
    }
}

impl Version {
    fn assented(&mut self, by: Party, read: Vec<u8>) {
        match by {
            Party::Patient => self.patient = Some(read),
            Party::Care => self.care = Some(read),
        }
    }
}

fn party() -> impl Strategy<Value = Party> {
    prop_oneof![Just(Party::Patient), Just(Party::Care)]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => party().prop_map(|by| Act::Edit { by }),
        2 => Just(Act::Revise),
        2 => (party(), 0..8_usize).prop_map(|(by, version)| Act::Counter { by, version }),
        2 => (party(), 0..8_usize).prop_map(|(by, version)| Act::Withdraw { by, version }),
        3 => party().prop_map(|by| Act::Propose { by }),
        6 => (party(), 0..8_usize, 0..8_usize).prop_map(|(by, version, read)| Act::Assent { by, version, read }),
        4 => (party(), 0..8_usize).prop_map(|(by, version)| Act::Accept { by, version }),
        1 => Just(Act::End),
    ]
}

proptest! {
    #[test]
    fn nothing_comes_into_force_without_both_assents_to_exactly_that_text(
        acts in prop::collection::vec(act(), 1..60),
    ) {
        let mut life = Life::new();
        let mut ended = false;
        for act in &acts {
            let before = life.clone();
            life.act(act);
            ended |= matches!(act, Act::End);
            let active: Vec<_> = life.versions.iter().filter(|v| v.status == Status::Active).collect();
            prop_assert!(active.len() <= 1, "two in force");
            let drafts = life.versions.iter().filter(|v| v.status == Status::Draft).count();
            prop_assert!(drafts <= 1, "two drafts");
            prop_assert!(!ended || active.is_empty(), "in force after the end");
            for version in &active {
                prop_assert_eq!(version.patient.as_ref(), Some(&version.text));
                prop_assert_eq!(version.care.as_ref(), Some(&version.text));
                prop_assert_eq!(version.digest.as_ref(), Some(&version.text));
            }
            for (old, new) in before.versions.iter().zip(&life.versions) {
                if old.status != Status::Draft {
                    prop_assert_eq!(&old.text, &new.text, "a proposed text was edited");
                    prop_assert_eq!(&old.digest, &new.digest);
                }
            }
            // A version comes into force only on top of the one it changes.
            if let (Some(was), Some(is)) = (before.in_force(), life.in_force())
                && was != is
            {
                let new = life.versions.iter().find(|v| v.id == is).and_then(|v| v.base);
                prop_assert_eq!(new, Some(was));
            }
        }
    }

    /// Wherever the two have come, there is a way on: with the good will of both, something new comes into force.
    #[test]
    fn there_is_always_a_way_on_to_something_new_in_force(acts in prop::collection::vec(act(), 1..60)) {
        let mut life = Life::new();
        for act in acts.iter().filter(|act| !matches!(act, Act::End)) {
            life.act(act);
        }
        // The side that took a first draft back left nothing to agree on.
        if life.status != agreement::Status::Ended {
            let before = life.in_force();
            if life.draft().is_none() {
                match life.versions.iter().rposition(|v| v.status == Status::Proposed) {
                    Some(version) if life.versions[version].proposed_by == Some(Party::Patient) => {
                        life.act(&Act::Counter { by: Party::Care, version });
                    }
                    Some(version) => life.act(&Act::Counter { by: Party::Patient, version }),
                    None => life.act(&Act::Revise),
                }
            }
            life.act(&Act::Edit { by: Party::Patient });
            life.act(&Act::Propose { by: Party::Patient });
            let newest = life.versions.iter().rposition(|v| v.status == Status::Proposed);
            prop_assert!(newest.is_some(), "nothing can be proposed: {:?}", life);
            let version = newest.unwrap_or_default();
            life.act(&Act::Assent { by: Party::Care, version, read: version });
            prop_assert!(life.in_force().is_some() && life.in_force() != before, "stuck: {:?}", life);
        }
    }
}
