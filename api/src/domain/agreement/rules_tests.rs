#![allow(clippy::unwrap_used)]

use entity::{
    AgreementVersionId, agreement,
    agreement_version::{Party, Status, Withdrawal},
};
use uuid::Uuid;

use super::{
    objection::Objector,
    rules::{Assented, Facts, MAX_GOALS, Place, assent, counter, fits, place, revise, withdraw},
};
use crate::error::ProblemCode;

const DIGEST: &[u8] = &[7; 32];

fn proposed() -> Facts<'static> {
    Facts {
        agreement: agreement::Status::Proposed,
        in_force: None,
        status: Status::Proposed,
        withdrawal: None,
        base: None,
        digest: Some(DIGEST),
        patient_assented: false,
        care_assented: true,
        objection: None,
        has_last_word: false,
    }
}

fn refused(facts: &Facts<'_>, side: Party, digest: &[u8]) -> ProblemCode {
    assent(facts, side, Some(digest)).unwrap_err().code
}

#[test]
fn the_second_assent_brings_the_version_into_force() {
    assert_eq!(assent(&proposed(), Party::Patient, Some(DIGEST)).unwrap(), Assented::Activates);
    let first = Facts { care_assented: false, ..proposed() };
    assert_eq!(assent(&first, Party::Patient, Some(DIGEST)).unwrap(), Assented::Waits);
}

#[test]
fn an_assent_to_another_text_is_refused() {
    assert_eq!(refused(&proposed(), Party::Patient, &[8; 32]), ProblemCode::Conflict);
    assert_eq!(refused(&proposed(), Party::Patient, &[]), ProblemCode::Conflict);
}

#[test]
fn a_draft_is_proposed_before_anybody_assents_to_it() {
    let draft = Facts { status: Status::Draft, digest: None, ..proposed() };
    for read in [None, Some(DIGEST)] {
        assert_eq!(assent(&draft, Party::Patient, read).unwrap_err().code, ProblemCode::WrongState);
    }
}

#[test]
fn a_side_assents_once() {
    assert_eq!(refused(&proposed(), Party::Care, DIGEST), ProblemCode::WrongState);
    let active = Facts {
        agreement: agreement::Status::Active,
        status: Status::Active,
        patient_assented: true,
        ..proposed()
    };
    assert_eq!(refused(&active, Party::Patient, DIGEST), ProblemCode::WrongState);
}

#[test]
fn a_yes_that_the_patient_objects_to_counts_for_nothing_until_the_patient_decides() {
    for objector in [Objector::Patient, Objector::Representative] {
        let spoken_for = Facts { patient_assented: true, objection: Some(objector), ..proposed() };
        let first = Facts { care_assented: false, ..spoken_for.clone() };
        assert_eq!(assent(&first, Party::Care, Some(DIGEST)).unwrap(), Assented::Waits);
        assert_eq!(refused(&spoken_for, Party::Care, DIGEST), ProblemCode::WrongState);
        assert_eq!(refused(&spoken_for, Party::Patient, DIGEST), ProblemCode::WrongState);
        let own = Facts { has_last_word: true, ..spoken_for };
        assert_eq!(assent(&own, Party::Patient, Some(DIGEST)).unwrap(), Assented::Activates);
    }
}

#[test]
fn a_proposal_whose_base_has_moved_is_refused() {
    let (old, new) = (AgreementVersionId(Uuid::from_u128(1)), AgreementVersionId(Uuid::from_u128(2)));
    let moved =
        Facts { agreement: agreement::Status::Active, in_force: Some(new), base: Some(old), ..proposed() };
    assert_eq!(refused(&moved, Party::Patient, DIGEST), ProblemCode::BaseMoved);
}

#[test]
fn an_ended_agreement_takes_neither_assent_nor_change() {
    let ended = Facts { agreement: agreement::Status::Ended, ..proposed() };
    assert_eq!(refused(&ended, Party::Patient, DIGEST), ProblemCode::Conflict);
    for draft in [true, false] {
        assert_eq!(place(agreement::Status::Ended, draft).unwrap_err().code, ProblemCode::Conflict);
    }
}

#[test]
fn an_edit_goes_into_the_draft_and_without_one_becomes_a_proposal() {
    use agreement::Status as A;
    assert_eq!(place(A::Draft, true).unwrap(), Place::Draft);
    assert_eq!(place(A::Active, true).unwrap(), Place::Draft);
    assert_eq!(place(A::Proposed, true).unwrap(), Place::Draft);
    assert_eq!(place(A::Active, false).unwrap(), Place::Proposal);
    assert_eq!(place(A::Proposed, false).unwrap_err().code, ProblemCode::WrongState);
}

/// There is one draft at a time, in which both sides write.
#[test]
fn a_revision_begins_on_what_is_in_force_and_there_is_one_draft_at_a_time() {
    use agreement::Status as A;
    assert!(revise(A::Active, false).is_ok());
    assert_eq!(revise(A::Active, true).unwrap_err().code, ProblemCode::Conflict);
    for status in [A::Draft, A::Proposed] {
        assert_eq!(revise(status, false).unwrap_err().code, ProblemCode::WrongState);
    }
    assert_eq!(revise(A::Ended, false).unwrap_err().code, ProblemCode::Conflict);
}

/// The patient can answer a proposal with a counter-proposal; so can care.
#[test]
fn a_proposal_is_answered_by_the_other_side_and_taken_back_by_its_own() {
    use Party::{Care, Patient};
    let active = agreement::Status::Active;
    for (by, other) in [(Care, Patient), (Patient, Care)] {
        assert!(counter(active, false, Status::Proposed, Some(by), other).is_ok());
        assert!(counter(active, false, Status::Proposed, Some(by), by).is_err());
        assert!(counter(active, true, Status::Proposed, Some(by), other).is_err());
        assert!(withdraw(active, Status::Proposed, Some(by), by).is_ok());
        assert!(withdraw(active, Status::Proposed, Some(by), other).is_err());
        assert!(withdraw(active, Status::Draft, None, by).is_ok());
    }
    for status in [Status::Active, Status::Superseded, Status::Withdrawn, Status::Ended] {
        assert!(withdraw(active, status, Some(Care), Care).is_err());
        assert!(counter(active, false, status, Some(Care), Patient).is_err());
    }
    assert!(withdraw(agreement::Status::Ended, Status::Proposed, Some(Care), Care).is_err());
}

#[test]
fn an_assent_to_what_was_withdrawn_says_why_it_was() {
    let withdrawn = |how| Facts { status: Status::Withdrawn, withdrawal: how, ..proposed() };
    assert_eq!(
        refused(&withdrawn(Some(Withdrawal::TakenBack)), Party::Patient, DIGEST),
        ProblemCode::WrongState
    );
    assert_eq!(
        refused(&withdrawn(Some(Withdrawal::Countered)), Party::Patient, DIGEST),
        ProblemCode::WrongState
    );
    assert_eq!(
        refused(&withdrawn(Some(Withdrawal::BaseMoved)), Party::Patient, DIGEST),
        ProblemCode::BaseMoved
    );
}

#[test]
fn a_plan_has_room_for_fifty_goals() {
    assert!(fits(MAX_GOALS, 300).is_ok());
    assert_eq!(fits(MAX_GOALS + 1, 0).unwrap_err().code, ProblemCode::Conflict);
    assert_eq!(fits(0, 301).unwrap_err().code, ProblemCode::Conflict);
}
