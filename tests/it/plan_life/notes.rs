//! Progress notes, and what the live state costs to read.

use harness::TestApp;
use serde_json::{Value, json};

use super::{active_with, item_as};
use crate::acts::{act, active};

const NOTE: &str = "note { id text by authorName corrects isCorrected }";

/// "A correction keeps the original."
#[tokio::test]
async fn both_sides_write_how_it_goes_and_a_correction_keeps_the_original() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active(&app, s1, p1).await;
    let item = item_as(&app, &p1.identity, p1, "Ta prover", "").await;
    let about = json!({ "planItemId": item["id"] });
    let write = async |who, text: &str, corrects: Option<&str>| {
        let mut input = json!({ "about": about, "text": text });
        if let Some(id) = corrects {
            input["correctsId"] = json!(id);
        }
        act(&app, who, "progressNoteAdd", NOTE, input).await
    };
    let first = write(&p1.identity, "Det går trögt", None).await.ok();
    let first_id = first.text("/progressNoteAdd/note/id");
    let care = write(&s1.identity, "Proverna är tagna", None).await.ok();
    assert_eq!(care.text("/progressNoteAdd/note/authorName"), "Stina Exempel");
    let foreign = write(&s1.identity, "Det går bra", Some(&first_id)).await;
    assert_eq!(foreign.user_error_codes("progressNoteAdd"), ["FORBIDDEN"]);
    let right = write(&p1.identity, "Det går trögt i trappor", Some(&first_id)).await.ok();
    assert_eq!(right.text("/progressNoteAdd/note/corrects"), first_id);
    let again = write(&p1.identity, "Det går", Some(&first_id)).await;
    assert_eq!(again.user_error_codes("progressNoteAdd"), ["CONFLICT"]);
    let blank = write(&p1.identity, " ", None).await;
    assert_eq!(blank.user_error_codes("progressNoteAdd"), ["BAD_USER_INPUT"]);

    let page = "query($about: ID, $after: String) { me { progressNotes(about: $about, first: 2, after: $after) \
         { nodes { text by isCorrected } pageInfo { hasNextPage endCursor } } } }";
    let newest = app.run(&p1.identity, page, json!({ "about": item["id"] })).await.ok();
    let note =
        |text: &str, by: &str, corrected: bool| json!({ "text": text, "by": by, "isCorrected": corrected });
    let expected =
        json!([note("Det går trögt i trappor", "PATIENT", false), note("Proverna är tagna", "STAFF", false)]);
    assert_eq!(newest.at("/me/progressNotes/nodes"), &expected);
    let after = newest.text("/me/progressNotes/pageInfo/endCursor");
    let rest = app.run(&p1.identity, page, json!({ "about": item["id"], "after": after })).await.ok();
    assert_eq!(rest.at("/me/progressNotes/nodes"), &json!([note("Det går trögt", "PATIENT", true)]));
    assert_eq!(rest.at("/me/progressNotes/pageInfo/hasNextPage"), &json!(false));
    let shown = item_as(&app, &s1.identity, p1, "Ta prover", "latestNotes { text }").await;
    assert_eq!(shown["latestNotes"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_note_about_anothers_goal_or_item_is_written_nowhere() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active(&app, s1, p1).await;
    let item = item_as(&app, &p1.identity, p1, "Ta prover", "").await;
    let input = json!({ "about": { "planItemId": item["id"] }, "text": "Intrång" });
    for who in [&app.world.p2.identity, &app.world.s2.identity, &app.world.s3.identity] {
        let answer = act(&app, who, "progressNoteAdd", NOTE, input.clone()).await;
        assert_eq!(answer.user_error_codes("progressNoteAdd"), ["NOT_FOUND"]);
    }
    // Two about at once, or none, is no input.
    let both = json!({ "about": { "planItemId": item["id"], "goalId": item["id"] }, "text": "Två" });
    let answer = act(&app, &p1.identity, "progressNoteAdd", NOTE, both).await;
    assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"]);
}

#[tokio::test]
async fn live_columns_cost_no_statement_and_each_list_one_however_many_items() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let walk = json!({ "timing": { "recurrence": { "rule": "FREQ=DAILY", "from": "2027-02-01" } },
                       "title": "Promenad", "owner": "PATIENT" });
    let items: Vec<Value> = (0..6).map(|n| json!({ "title": format!("Insats {n}") })).chain([walk]).collect();
    active_with(&app, s1, p1, &items).await;
    let cost = async |fields: &str| {
        let query = format!(
            "{{ me {{ agreement {{ goals {{ text statusBy }} planItems {{ title {fields} }} }} }} }}"
        );
        app.run(&p1.identity, &query, json!({})).await.ok();
        let (answer, statements) = app.statements(app.run(&p1.identity, &query, json!({}))).await;
        answer.ok();
        statements.len()
    };
    let live = "statusBy referral { state } resultTold { how } needsRelativeConsent relativeConsent { words } nextOccurrenceOn";
    assert_eq!(cost("").await, 3);
    assert_eq!(cost(live).await, 3);
    assert_eq!(cost("latestNotes { text }").await, 4);
    assert_eq!(cost("concerns { words }").await, 4);
    assert_eq!(cost("occurrences { on }").await, 4);
    assert_eq!(cost("careGuarantee { lastDay pauses { from } }").await, 4);
    assert_eq!(
        cost("latestNotes { text } concerns { words } occurrences { on } careGuarantee { kept }").await,
        7
    );
    let steps = "{ me { nextSteps { patient { title on isLate } care { title } } } }";
    app.run(&p1.identity, steps, json!({})).await.ok();
    let (answer, statements) = app.statements(app.run(&p1.identity, steps, json!({}))).await;
    answer.ok();
    assert_eq!(statements.len(), 3, "{statements:#?}");
    let notes = "{ me { progressNotes(first: 5) { nodes { text authorName } } } }";
    let (answer, statements) = app.statements(app.run(&p1.identity, notes, json!({}))).await;
    answer.ok();
    assert_eq!(statements.len(), 2, "{statements:#?}");
}
