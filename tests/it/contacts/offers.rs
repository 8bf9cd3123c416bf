//! What becomes of an offer when somebody is given the role.

use entity::{change_entry, contact_offer};
use harness::{Staff, TestApp, relate};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use super::{CONTACT, appoint, at, requests::OFFER, sweep, to_role};
use crate::acts::{act, global, row};

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
