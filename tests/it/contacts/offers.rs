//! What care offers: the answer on record, and what becomes of an offer when somebody is given the role.

use entity::{
    change_entry, contact_offer,
    task::{self, Kind},
};
use harness::{Staff, TestApp, relate};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use super::{CONTACT, appoint, at, stand, sweep, to_role};
use crate::acts::{act, global, row};

pub(super) const OFFER: &str = "offer { id status answeredAt answeredBy answeredHow answerWords rowVersion }";

async fn offered(app: &TestApp, by: &Staff, role: &str, kind: &Value) -> Value {
    let input = json!({ "patientId": app.world.p1.global_id(), "role": role, "treatingKind": kind });
    act(app, &by.identity, "contactOffer", OFFER, input).await.ok().at("/contactOffer/offer/id").clone()
}

async fn stored(app: &TestApp, offer: &Value) -> contact_offer::Model {
    let id = entity::ContactOfferId(row(offer.as_str().unwrap()));
    contact_offer::Entity::find_by_id(id).one(app.core.db.reader()).await.unwrap().unwrap()
}

async fn says_yes(app: &TestApp, offer: &Value) -> Vec<String> {
    let yes = json!({ "offerId": offer, "accepted": true, "expectedRowVersion": 1 });
    let answer = act(app, &app.world.p1.identity, "contactOfferAnswer", OFFER, yes).await;
    answer.user_error_codes("contactOfferAnswer")
}

async fn requests(app: &TestApp) -> Value {
    let query = "{ me { contactRequests { id } } }";
    app.run(&app.world.p1.identity, query, json!({})).await.ok().at("/me/contactRequests").clone()
}

/// R: a yes is a request that ends in an appointment; so what waits for a yes ends when somebody is appointed.
#[tokio::test]
async fn an_offer_of_a_contact_is_overtaken_when_somebody_is_given_the_role() {
    use contact_offer::Status;
    let app = TestApp::new().await;
    let (s1, s2, s3, p1) = (&app.world.s1, &app.world.s2, &app.world.s3, &app.world.p1);
    relate(&app.core, s1, p1).await;
    relate(&app.core, s3, p1).await;
    let (treating, diabetes) = ("BEHANDLANDE_ROLL", json!("DIABETES_NURSE"));
    let mine = offered(&app, s1, treating, &diabetes).await;
    let another_kind = offered(&app, s1, treating, &json!("PHYSIOTHERAPIST")).await;
    let another_provider = offered(&app, s3, treating, &diabetes).await;
    let mut input = to_role(p1, treating, s1);
    input["treatingKind"] = diabetes.clone();
    appoint(&app, s1, input).await;
    let overtaken = stored(&app, &mine).await;
    assert_eq!((overtaken.status, overtaken.answered_at), (Status::Superseded, Some(app.clock.now())));
    for offer in [&another_kind, &another_provider] {
        assert_eq!(stored(&app, offer).await.status, Status::Open);
    }
    let told = change_entry::Entity::find()
        .filter(change_entry::Column::SubjectId.eq(overtaken.id.0))
        .filter(change_entry::Column::Action.eq("contactAppoint"));
    assert_eq!(told.count(app.core.db.reader()).await.unwrap(), 1);
    assert_eq!(says_yes(&app, &mine).await, ["WRONG_STATE"]);
    assert_eq!(requests(&app).await, json!([]));

    // The same when a planned role is handed over, and when it begins.
    let plan = async |role: &str, from: &str| {
        let mut input = to_role(p1, role, s1);
        input["validFrom"] = json!(from);
        appoint(&app, s1, input).await;
        offered(&app, s1, role, &Value::Null).await
    };
    let handed_over = plan("FAST_LAKARKONTAKT", "2027-02-05T08:00:00Z").await;
    let over = json!({
        "fromAssignmentId": global(NodeKind::Assignment, s1.assignment),
        "toAssignmentId": global(NodeKind::Assignment, s2.assignment), "reason": "Slutar",
    });
    act(&app, &s1.identity, "contactHandover", "contacts { id }", over).await.ok();
    assert_eq!(stored(&app, &handed_over).await.status, Status::Superseded);
    let begun = plan("FAST_VARDKONTAKT", "2027-02-04T08:00:00Z").await;
    assert_eq!(stored(&app, &begun).await.status, Status::Open);
    app.clock.set(at("2027-02-04T08:00:00Z"));
    sweep(&app).await;
    assert_eq!(stored(&app, &begun).await.status, Status::Superseded);
}

#[tokio::test]
async fn a_contact_that_the_patient_has_is_not_offered_and_a_yes_to_it_is_no_request() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    relate(&app.core, s1, p1).await;
    relate(&app.core, s3, p1).await;
    let doctor = "FAST_LAKARKONTAKT";
    let offer = offered(&app, s1, doctor, &Value::Null).await;
    let contact = appoint(&app, s1, to_role(p1, doctor, s1)).await;
    let input = json!({ "patientId": p1.global_id(), "role": doctor });
    let again = act(&app, &s1.identity, "contactOffer", OFFER, input).await;
    assert_eq!(again.user_error_codes("contactOffer"), ["CONFLICT"]);
    assert_eq!(again.text("/contactOffer/userErrors/0/field"), "role");
    assert!(
        again.text("/contactOffer/userErrors/0/message").starts_with("Patienten har redan den kontakten")
    );
    // Another care provider is not told.
    offered(&app, s3, doctor, &Value::Null).await;

    // An offer that nobody has ended, as of before the role.
    let id = entity::ContactOfferId(app.core.clock.uuid());
    let open = contact_offer::Model {
        id,
        status: contact_offer::Status::Open,
        answered_at: None,
        answered_by_kind: None,
        answered_by_id: None,
        row_version: 1,
        ..stored(&app, &offer).await
    };
    open.into_active_model().insert(app.core.db.reader()).await.unwrap();
    assert!(says_yes(&app, &json!(global(NodeKind::ContactOffer, id))).await.is_empty());
    assert_eq!(requests(&app).await, json!([]), "somebody has the role");

    let end = json!({ "contactId": contact["id"], "reason": "Slutar", "consultation": "CONSULTED",
                      "expectedRowVersion": contact["rowVersion"] });
    act(&app, &s1.identity, "contactEnd", CONTACT, end).await.ok();
    offered(&app, s1, doctor, &Value::Null).await;
}

/// R: what several may have each unit offers for itself: another unit's contact stops no offer, and overtakes none.
#[tokio::test]
async fn what_several_may_have_each_unit_offers_and_what_one_alone_may_have_is_offered_once() {
    use contact_offer::Status;
    let several = [("region.fixed_contact_policy", "several_with_lead")];
    for (policy, role, kind, one_alone) in [
        (&several[..], "BEHANDLANDE_ROLL", json!("RESPONSIBLE_NURSE"), false),
        (&several, "SUPPORTER", Value::Null, false),
        (&several, "FAST_VARDKONTAKT", Value::Null, false),
        (&several, "FAST_LAKARKONTAKT", Value::Null, true),
        (&[], "FAST_VARDKONTAKT", Value::Null, true),
    ] {
        let app = TestApp::with(policy).await;
        let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
        relate(&app.core, s1, p1).await;
        relate(&app.core, s2, p1).await;
        let others = offered(&app, s2, role, &kind).await;
        let mut contact = to_role(p1, role, s1);
        contact["treatingKind"] = kind.clone();
        appoint(&app, s1, contact).await;
        let status = if one_alone { Status::Superseded } else { Status::Open };
        assert_eq!(stored(&app, &others).await.status, status, "{role}");
        if !one_alone {
            assert!(says_yes(&app, &others).await.is_empty(), "{role}");
            assert_eq!(requests(&app).await.as_array().unwrap().len(), 1, "{role}: a yes is a request");
        }
        for (by, held) in [(s1, true), (s2, one_alone)] {
            let input = json!({ "patientId": p1.global_id(), "role": role, "treatingKind": kind });
            let answer = act(&app, &by.identity, "contactOffer", OFFER, input).await;
            assert_eq!(
                answer.user_error_codes("contactOffer") == ["CONFLICT"],
                held,
                "{role}: {}",
                answer.body
            );
        }
    }
}

/// R: an offer that the patient declines is recorded: who, when, by which way; a spoken no by staff.
#[tokio::test]
async fn a_declined_offer_is_on_record_with_who_when_and_how() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let offer = async || {
        let input = json!({ "patientId": p1.global_id(), "role": "FAST_VARDKONTAKT", "words": "Stina kan bli din kontakt." });
        let answer = act(&app, &s1.identity, "contactOffer", OFFER, input).await.ok();
        answer.at("/contactOffer/offer").clone()
    };
    let answer = |id: &Value, how: Value| json!({ "offerId": id, "accepted": false, "words": "Nej tack", "how": how, "expectedRowVersion": 1 });
    let first = offer().await;
    let said =
        act(&app, &p1.identity, "contactOfferAnswer", OFFER, answer(&first["id"], Value::Null)).await.ok();
    let seen = said.at("/contactOfferAnswer/offer");
    assert_eq!(
        (&seen["status"], &seen["answeredBy"], &seen["answeredHow"]),
        (&json!("DECLINED"), &json!("PATIENT"), &json!("DIGITAL"))
    );
    let again = act(&app, &p1.identity, "contactOfferAnswer", OFFER, answer(&first["id"], Value::Null)).await;
    assert_eq!(again.user_error_codes("contactOfferAnswer"), ["WRONG_STATE"]);

    let second = offer().await;
    let silent =
        act(&app, &s1.identity, "contactOfferAnswer", OFFER, answer(&second["id"], Value::Null)).await;
    assert_eq!(silent.user_error_codes("contactOfferAnswer"), ["BAD_USER_INPUT"]);
    act(&app, &s1.identity, "contactOfferAnswer", OFFER, answer(&second["id"], json!("PHONE"))).await.ok();
    let stored =
        contact_offer::Entity::find_by_id(entity::ContactOfferId(row(second["id"].as_str().unwrap())));
    let stored = stored.one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!(
        (stored.status, stored.answered_by_id),
        (contact_offer::Status::Declined, Some(s1.assignment.0))
    );
    assert_eq!(stored.answered_at, Some(app.clock.now()));
    for (offer, by) in [(&first, p1.id.0), (&second, s1.assignment.0)] {
        let of = change_entry::Column::SubjectId.eq(row(offer["id"].as_str().unwrap()));
        let answered = change_entry::Column::Action.eq("contactOfferAnswer");
        let told = change_entry::Entity::find().filter(of).filter(answered);
        let told = told.one(app.core.db.reader()).await.unwrap().unwrap();
        assert_eq!((told.by_id, told.at), (by, app.clock.now()), "the history says who and when");
    }
    assert!(stand(&app, Kind::AppointContact, &second["id"]).await.is_empty());
}

#[tokio::test]
async fn an_accepted_offer_is_a_request_until_somebody_is_appointed() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let input = json!({ "patientId": p1.global_id(), "role": "FAST_VARDKONTAKT" });
    let offer =
        act(&app, &s1.identity, "contactOffer", OFFER, input).await.ok().at("/contactOffer/offer").clone();
    let yes = json!({ "offerId": offer["id"], "accepted": true, "expectedRowVersion": 1 });
    act(&app, &p1.identity, "contactOfferAnswer", OFFER, yes).await.ok();
    // It is the patient's own request: care can neither refuse nor close it.
    let query = "{ me { contactRequests { id role status } } }";
    let asked = async || app.run(&p1.identity, query, json!({})).await.ok().at("/me/contactRequests").clone();
    let request = asked().await[0].clone();
    assert_eq!((&request["role"], &request["status"]), (&json!("FAST_VARDKONTAKT"), &json!("OPEN")));
    assert_eq!(stand(&app, Kind::AppointContact, &request["id"]).await, [task::Status::Open]);
    // A second offer that is accepted is the same wish.
    let input = json!({ "patientId": p1.global_id(), "role": "FAST_VARDKONTAKT" });
    let again = act(&app, &s1.identity, "contactOffer", OFFER, input).await.ok();
    let yes =
        json!({ "offerId": again.text("/contactOffer/offer/id"), "accepted": true, "expectedRowVersion": 1 });
    act(&app, &p1.identity, "contactOfferAnswer", OFFER, yes).await.ok();
    assert_eq!(asked().await.as_array().unwrap().len(), 1);
    appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s1)).await;
    assert_eq!(stand(&app, Kind::AppointContact, &request["id"]).await, [task::Status::Done]);
    assert_eq!(asked().await[0]["status"], "APPOINTED");
}

/// One offer of a contact waits for an answer at a time; what another care provider has offered is not told of.
#[tokio::test]
async fn of_twenty_offers_of_a_contact_at_once_one_waits() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    relate(&app.core, s1, p1).await;
    relate(&app.core, s3, p1).await;
    let offer =
        |role: &str, kind: Value| json!({ "patientId": p1.global_id(), "role": role, "treatingKind": kind });
    for (role, kind, another) in [
        ("FAST_VARDKONTAKT", Value::Null, ("FAST_LAKARKONTAKT", Value::Null)),
        ("BEHANDLANDE_ROLL", json!("DIABETES_NURSE"), ("BEHANDLANDE_ROLL", json!("PHYSIOTHERAPIST"))),
    ] {
        let once = || act(&app, &s1.identity, "contactOffer", OFFER, offer(role, kind.clone()));
        let answers = futures_util::future::join_all((0..20).map(|_| once())).await;
        let refused = answers.iter().filter(|a| a.user_error_codes("contactOffer") == ["CONFLICT"]).count();
        assert_eq!(refused, 19, "{role}");
        act(&app, &s1.identity, "contactOffer", OFFER, offer(another.0, another.1)).await.ok();
        act(&app, &s3.identity, "contactOffer", OFFER, offer(role, kind.clone())).await.ok();
    }
    // What waits stands first, however much has been answered since.
    let query = "{ me { contactOffers { id role status } } }";
    let all = app.run(&p1.identity, query, json!({})).await.ok().at("/me/contactOffers").clone();
    assert_eq!(all.as_array().unwrap().len(), 6);
    let newest = json!({ "offerId": all[0]["id"], "accepted": false, "expectedRowVersion": 1 });
    act(&app, &p1.identity, "contactOfferAnswer", OFFER, newest).await.ok();
    let then = app.run(&p1.identity, query, json!({})).await.ok().at("/me/contactOffers").clone();
    assert_eq!((&then[5]["id"], &then[5]["status"]), (&all[0]["id"], &json!("DECLINED")));
    assert!((0..5).all(|n| then[n]["status"] == "OPEN"));
}
