//! Who leaves hands over what they have.

use entity::{TaskId, change_entry, task};
use harness::{Staff, TestApp};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::json;

use super::{TASK, ids, list, raise, stored};
use crate::acts::{act, global, row};

#[tokio::test]
async fn everything_somebody_has_is_handed_over_when_they_leave() {
    let app = TestApp::new().await;
    let (world, p1, p2) = (&app.world, &app.world.p1, &app.world.p2);
    let mut taken = Vec::new();
    for (kind, patient) in [(task::Kind::Letter, p1), (task::Kind::PlanSignal, p2)] {
        let id = raise(&app, &world.s1, patient, kind).await;
        let input = json!({ "taskId": id, "expectedRowVersion": 1 });
        act(&app, &world.s1.identity, "taskTake", TASK, input).await.ok();
        taken.push(id);
    }
    let free = raise(&app, &world.s1, p1, task::Kind::Handover).await;
    let hand = |who: &Staff, to: &Staff| {
        let input = json!({
            "fromId": global(NodeKind::Assignment, world.s1.assignment),
            "toId": global(NodeKind::Assignment, to.assignment),
        });
        let who = who.identity.clone();
        let app = &app;
        async move {
            act(app, &who, "taskHandover", "handedOver tasks { id assignee { staff { name } } }", input).await
        }
    };
    assert_eq!(hand(&world.s1, &world.s2).await.user_error_codes("taskHandover"), ["NOT_FOUND"]);
    assert_eq!(hand(&world.s2, &world.coordinator).await.user_error_codes("taskHandover"), ["NOT_FOUND"]);
    assert_eq!(
        hand(&world.analyst, &world.coordinator).await.user_error_codes("taskHandover"),
        ["FORBIDDEN"]
    );
    let handed = hand(&world.manager, &world.coordinator).await.ok();
    assert_eq!(handed.at("/taskHandover/handedOver"), &json!(2));
    assert_eq!(handed.at("/taskHandover/tasks"), &json!([]), "none has risen: the manager sees none");
    let nodes = list(&app, &world.s1, json!({ "unassigned": true })).await;
    assert_eq!(ids(&nodes), [free.as_str()]);
    let moved = change_entry::Entity::find().filter(change_entry::Column::Action.eq("taskHandover"));
    assert_eq!(moved.count(app.core.db.reader()).await.unwrap(), 2);
    for id in taken {
        assert_eq!(stored(&app, &id).await.assignee_id, Some(world.coordinator.assignment));
    }
    assert_eq!(hand(&world.manager, &world.coordinator).await.ok().at("/taskHandover/handedOver"), &json!(0));
}

/// R: everything that somebody has goes in one act: with the contact roles the open tasks, where a colleague at the unit
/// takes over. A part that is listed takes no tasks with it.
#[tokio::test]
async fn with_all_contact_roles_the_tasks_go_to_the_colleague_too() {
    let app = TestApp::new().await;
    let (s1, p1, p2, to) = (&app.world.s1, &app.world.p1, &app.world.p2, &app.world.coordinator);
    let id = raise(&app, s1, p1, task::Kind::Letter).await;
    raise(&app, s1, p2, task::Kind::Letter).await;
    let input = json!({ "taskId": id, "expectedRowVersion": 1 });
    act(&app, &s1.identity, "taskTake", TASK, input).await.ok();
    let person = |staff: &Staff| global(NodeKind::Assignment, staff.assignment);
    let mut roles = Vec::new();
    for patient in [p1, p2] {
        let role = json!({ "patientId": patient.global_id(), "role": "FAST_VARDKONTAKT",
                           "person": { "assignmentId": person(s1) } });
        let appointed = act(&app, &s1.identity, "contactAppoint", "contact { id }", role).await.ok();
        roles.push(appointed.text("/contactAppoint/contact/id"));
    }
    let own = async || {
        let own = task::Entity::find().filter(task::Column::AssigneeId.eq(s1.assignment));
        own.filter(task::Column::Status.eq(task::Status::Open)).count(app.core.db.reader()).await.unwrap()
    };
    let mut input =
        json!({ "fromAssignmentId": person(s1), "toAssignmentId": person(to), "reason": "Stina slutar" });
    let mut part = input.clone();
    part["contactIds"] = json!([roles[1]]);
    act(&app, &s1.identity, "contactHandover", "contacts { id }", part).await.ok();
    assert_eq!(own().await, 1);
    let handed = act(&app, &s1.identity, "contactHandover", "contacts { id }", input.clone()).await.ok();
    assert_eq!(handed.at("/contactHandover/contacts").as_array().unwrap().len(), 1);
    assert_eq!(own().await, 0, "nothing is left behind");
    let moved = task::Entity::find_by_id(TaskId(row(&id))).one(app.core.db.reader()).await.unwrap();
    assert_eq!(moved.unwrap().assignee_id, Some(to.assignment));
    input["reason"] = json!("En gång till");
    let again = act(&app, &s1.identity, "contactHandover", "contacts { id }", input).await;
    assert_eq!(again.user_error_codes("contactHandover"), ["CONFLICT"]);
}
