//! Merging of response keys, order of the answer and the carrying up of null.

use std::sync::atomic::Ordering;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::Selection;
use async_graphql::{Request, Response, ServerError, Variables, value};

use super::super::collect::{Collected, collect};
use super::super::types::Types;
use super::toy::{Counts, schema};

fn collected(query: &str, variables: async_graphql::Value) -> Result<Collected, Vec<ServerError>> {
    let (schema, _) = schema();
    let types = Types::from_sdl(&schema.sdl(), &[]).unwrap();
    let document = parse_query(query).unwrap();
    let (name, operation) = document.operations.iter().next().unwrap();
    collect(&types, &document, name, operation, &Variables::from_value(variables), 200)
}

/// Collects, runs and completes; the answer as JSON text, whose keys stand in their order.
async fn run_with(
    query: &str,
    variables: async_graphql::Value,
) -> (String, std::sync::Arc<Counts>, Response) {
    let (schema, counts) = schema();
    let plan = collected(query, variables.clone()).unwrap();
    let mut request = Request::new("").variables(Variables::from_value(variables));
    request.variables.retain(|name, _| plan.variables.contains(name));
    request.set_parsed_query(plan.document);
    let mut response = schema.execute(request).await;
    let errors = response.errors.clone();
    plan.shape.complete(&mut response.data, &errors);
    (serde_json::to_string(&response.data).unwrap(), counts, response)
}

async fn run(query: &str) -> String {
    let (json, _, response) = run_with(query, value!({})).await;
    assert_eq!(response.errors, vec![], "{query}");
    json
}

#[tokio::test]
async fn a_mutation_selected_twice_through_fragments_runs_once() {
    let query = "mutation { book(slot: 1) { n } ...F ... on Mutation { book(slot: 1) { slot } } } \
                 fragment F on Mutation { book(slot: 1) { m } }";
    let (json, counts, _) = run_with(query, value!({})).await;
    assert_eq!(json, r#"{"book":{"n":1,"m":1,"slot":1}}"#);
    assert_eq!(counts.booked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_root_field_in_two_fragments_is_loaded_once() {
    let query = "{ ...A ...B slow { first } } fragment A on Query { slow { last } } fragment B on Query { slow { middle last } }";
    let (json, counts, _) = run_with(query, value!({})).await;
    assert_eq!(json, r#"{"slow":{"last":1,"middle":2,"first":3}}"#);
    assert_eq!(counts.loaded.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn keys_stand_in_the_order_asked_though_resolvers_finish_in_another() {
    assert_eq!(
        run("{ slow { last middle again { last x: first middle } first list { middle first } } echo }").await,
        r#"{"slow":{"last":1,"middle":2,"again":{"last":1,"x":3,"middle":2},"first":3,"list":[{"middle":2,"first":3},{"middle":2,"first":3}]},"echo":"nothing"}"#
    );
}

#[test]
fn an_object_type_keeps_only_fields() {
    let plan = collected(
        "query($a: Boolean!) { ...F slow { ... on Slow { first @include(if: $a) } ... @skip(if: $a) { last } middle } } \
         fragment F on Query { slow { again { first } } }",
        value!({"a": true}),
    )
    .unwrap();
    assert!(plan.document.fragments.is_empty());
    let (_, operation) = plan.document.operations.iter().next().unwrap();
    assert!(operation.node.variable_definitions.is_empty(), "only used by a condition");
    let [slow] = operation.node.selection_set.node.items.as_slice() else { panic!("one field") };
    let Selection::Field(slow) = &slow.node else { panic!("a field") };
    let keys: Vec<_> = slow
        .node
        .selection_set
        .node
        .items
        .iter()
        .map(|item| match &item.node {
            Selection::Field(field) => {
                assert!(field.node.directives.is_empty());
                field.node.name.node.as_str()
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(keys, ["again", "first", "middle"]);
}

#[tokio::test]
async fn an_abstract_type_answers_each_key_once_in_the_order_of_its_type() {
    // `friend` is asked of all and more of it of cats; cats and dogs want name and id in different orders.
    let query = "{ nodes { friend { name } ... on Cat { name friend { age } id } ... on Dog { id name } ...N } } \
                 fragment N on Node { id ... on Dog { barks } }";
    assert_eq!(
        run(query).await,
        r#"{"nodes":[{"friend":{"name":"Bo","age":5},"name":"Misse","id":"c"},{"friend":{"name":"Bo"},"id":"d","name":"Fido","barks":true},{"friend":{"name":"Bo"},"id":"f"}]}"#
    );
}

#[tokio::test]
async fn keys_common_to_all_types_keep_the_order_of_each_type() {
    assert_eq!(
        run("{ nodes { ... on Fish { kind: __typename } id ... on Node { kind: __typename } } }").await,
        r#"{"nodes":[{"id":"c","kind":"Cat"},{"id":"d","kind":"Dog"},{"kind":"Fish","id":"f"}]}"#
    );
}

#[tokio::test]
async fn a_type_without_a_fragment_of_its_own_is_an_empty_object() {
    assert_eq!(
        run(r#"{ node(id: "f") { ... on Cat { lives } } c: node(id: "c") { ... on Cat { lives } } }"#).await,
        r#"{"node":{},"c":{"lives":9}}"#
    );
    assert_eq!(
        run("{ pets { ... on Cat { lives t: __typename } ... on Node { friend { age } } __typename } }")
            .await,
        r#"{"pets":[{"lives":9,"t":"Cat","friend":{"age":5},"__typename":"Cat"},{"friend":{"age":5},"__typename":"Dog"}]}"#
    );
}

#[tokio::test]
async fn skipping_everything_leaves_an_empty_object() {
    let query = "query($no: Boolean = false) { slow { first @include(if: $no) } }";
    let (json, _, response) = run_with(query, value!({"no": false})).await;
    assert_eq!((json.as_str(), response.errors), (r#"{"slow":{}}"#, vec![]));
    let (json, counts, _) =
        run_with("mutation($no: Boolean!) { book(slot: 1) @include(if: $no) { n } }", value!({"no": false}))
            .await;
    assert_eq!(json, "{}");
    assert_eq!(counts.booked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_variable_left_out_leaves_the_default_of_the_argument() {
    let (json, ..) = run_with("query($t: String) { echo(text: $t) }", value!({})).await;
    assert_eq!(json, r#"{"echo":"nothing"}"#);
    let query =
        "query($c: Colour, $n: Int, $t: String!) { filtered(filter: {colour: $c, count: $n, text: $t}) }";
    let (json, ..) = run_with(query, value!({"t": "x"})).await;
    assert_eq!(json, r#"{"filtered":"None 3 x"}"#);
}

#[tokio::test]
async fn a_failed_field_that_may_not_be_null_makes_its_parent_null() {
    let (json, _, response) = run_with("{ slow { first maybe { first fails } } echo }", value!({})).await;
    assert_eq!(json, r#"{"slow":{"first":3,"maybe":null},"echo":"nothing"}"#);
    assert_eq!(response.errors.len(), 1);
    let (json, ..) = run_with("{ slow { list { first fails } } echo }", value!({})).await;
    assert_eq!(json, "null", "nothing on the way may be null");
}

#[tokio::test]
async fn a_failed_field_that_may_be_null_is_null_and_its_siblings_survive() {
    let (json, ..) = run_with("{ slow { failsNullable first } }", value!({})).await;
    assert_eq!(json, r#"{"slow":{"failsNullable":null,"first":3}}"#);
    let (json, ..) = run_with("{ slow { maybe { failsNullable } } }", value!({})).await;
    assert_eq!(json, r#"{"slow":{"maybe":{"failsNullable":null}}}"#);
}

#[test]
fn what_cannot_be_merged_is_refused_wherever_it_stands() {
    for query in [
        "{ slow { a: first } ... { slow { a: last } } }",
        r#"{ node(id: "c") { id } ...F } fragment F on Query { node(id: "d") { id } }"#,
        "{ pets { ... on Cat { x: name } ... on Node { x: id } } }",
    ] {
        let error = collected(query, value!({})).unwrap_err().remove(0);
        assert!(error.message.contains("conflict"), "{query}: {}", error.message);
    }
}

#[test]
fn expansion_over_abstract_types_is_bounded() {
    let fields = (0..100).map(|i| format!("f{i}: friend {{ age }} ")).collect::<Vec<_>>().concat();
    let query = format!("{{ nodes {{ {fields} ... on Cat {{ {fields} }} }} }}");
    assert_eq!(
        collected(&query, value!({})).unwrap_err().remove(0).extensions.unwrap().get("code"),
        Some(&"QUERY_TOO_COMPLEX".into())
    );
}

#[tokio::test]
async fn the_introspection_of_client_tools_is_unchanged_by_merging() {
    let query = "query { __schema { queryType { name } types { ...T } } __type(name: \"Cat\") { ...T name } } \
                 fragment T on __Type { kind name fields(includeDeprecated: true) { name type { ...R } } } \
                 fragment R on __Type { kind name ofType { name } }";
    let (schema, _) = schema();
    let plain = serde_json::to_string(&schema.execute(query).await.data).unwrap();
    assert_eq!(run(query).await, plain);
}

#[test]
fn a_variable_may_stand_only_where_its_type_fits() {
    for (query, fits) in [
        ("query($v: [ID!]!) { ids(of: $v) }", true),
        ("query($v: [ID!]) { ids(of: $v) }", true),
        ("query($v: ID!) { ids(of: [$v]) }", true),
        ("query($v: ID) { ids(of: [$v]) }", false),
        ("query($v: [ID]!) { ids(of: $v) }", false),
        ("query($v: ID!) { ids(of: $v) }", false),
        ("query($v: String) { echo(text: $v) }", true),
        ("query($v: Colour) { echo(text: $v) }", false),
        ("query($v: Int) { many(count: $v) { age } }", false),
        ("query($v: Int = 3) { many(count: $v) { age } }", true),
        ("query($v: String!) { filtered(filter: {text: $v, colour: RED}) }", true),
        ("query($v: String) { filtered(filter: {text: $v}) }", false),
        ("query($v: String!) { filtered(filter: {text: $v, colour: PINK}) }", false),
        ("query($v: String!) { filtered(filter: {text: $v, extra: 1}) }", false),
        ("query($v: Colour) { filtered(filter: {colour: $v}) }", false),
    ] {
        let given = value!({"v": "x"});
        match collected(query, given) {
            Ok(_) => assert!(fits, "{query}"),
            Err(errors) => {
                assert!(!fits, "{query}: {errors:?}");
                assert!(errors[0].message.starts_with("Invalid value for argument"), "{errors:?}");
            }
        }
    }
}
