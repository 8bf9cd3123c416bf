//! Whatever way a client cuts its selections into fragments, the merged operation answers what the unmerged one does.
//!
//! The executing library runs a field once per selection, but merges their answers; so for fields without effects it is
//! the reference for the data, and the order is worked out here by walking the selections for one known object.

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Request, Value, Variables};
use proptest::prelude::*;

use super::super::collect::collect;
use super::super::types::Types;
use super::toy::{ToySchema, schema};

/// A selection on `Slow` or on the abstract `Node`, as a client may write it.
#[derive(Clone, Debug)]
enum Piece {
    Leaf(&'static str),
    /// A field with selections of its own.
    Inner(&'static str, Vec<Piece>),
    /// An inline fragment: condition and directive.
    Inline(&'static str, &'static str, Vec<Piece>),
    /// A fragment of its own.
    Spread(&'static str, Vec<Piece>),
}

fn on_friend() -> impl Strategy<Value = Vec<Piece>> {
    let leaf = prop::sample::select(vec!["name", "age", "n: name", "__typename"]).prop_map(Piece::Leaf);
    prop::collection::vec(leaf, 1..4)
}

fn on_node() -> impl Strategy<Value = Vec<Piece>> {
    let own = prop_oneof![
        prop::sample::select(vec!["id", "__typename", "kind: __typename"]).prop_map(Piece::Leaf),
        on_friend().prop_map(|inner| Piece::Inner("friend", inner)),
    ];
    let animal =
        prop_oneof![own.clone(), prop::sample::select(vec!["name", "called: name"]).prop_map(Piece::Leaf),];
    let cut = |condition: &'static str, inner: BoxedStrategy<Piece>| {
        (any::<bool>(), conditions(), prop::collection::vec(inner, 1..4)).prop_map(
            move |(named, directive, inner)| {
                if named {
                    Piece::Spread(condition, inner)
                } else {
                    Piece::Inline(condition, directive, inner)
                }
            },
        )
    };
    let piece = prop_oneof![
        3 => own.clone(),
        1 => cut("Cat", animal.clone().boxed()),
        1 => cut("Dog", animal.boxed()),
        1 => cut("Fish", own.clone().boxed()),
        1 => cut("Node", own.boxed()),
    ];
    // The first keeps an object from being empty, where the library answers null.
    prop::collection::vec(piece, 1..6).prop_map(|mut pieces| {
        pieces.insert(0, Piece::Leaf("__typename"));
        pieces
    })
}

fn conditions() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "@include(if: true)",
        "@skip(if: true)",
        "@include(if: $yes)",
        "@skip(if: $yes)",
        "@include(if: $yes) @skip(if: $no)",
    ])
}

fn on_slow() -> impl Strategy<Value = Vec<Piece>> {
    let leaf =
        prop::sample::select(vec!["first", "middle", "last", "x: last", "failsNullable", "__typename"])
            .prop_map(Piece::Leaf);
    let pieces = leaf.prop_recursive(4, 24, 4, |inner| {
        let set = prop::collection::vec(inner, 1..4);
        prop_oneof![
            (prop::sample::select(vec!["again", "maybe", "list"]), set.clone()).prop_map(
                |(field, mut inner)| {
                    inner.insert(0, Piece::Leaf("__typename"));
                    Piece::Inner(field, inner)
                }
            ),
            (conditions(), set.clone())
                .prop_map(|(directive, inner)| Piece::Inline("Slow", directive, inner)),
            set.prop_map(|inner| Piece::Spread("Slow", inner)),
        ]
    });
    prop::collection::vec(pieces, 1..5).prop_map(|mut pieces| {
        pieces.insert(0, Piece::Leaf("first"));
        pieces
    })
}

fn write(pieces: &[Piece], fragments: &mut Vec<String>) -> String {
    let parts = pieces.iter().map(|piece| match piece {
        Piece::Leaf(field) => (*field).to_owned(),
        Piece::Inner(field, inner) => format!("{field} {{ {} }}", write(inner, fragments)),
        Piece::Inline(condition, directive, inner) => {
            format!("... on {condition} {directive} {{ {} }}", write(inner, fragments))
        }
        Piece::Spread(condition, inner) => {
            let body = write(inner, fragments);
            let name = format!("F{}", fragments.len());
            fragments.push(format!("fragment {name} on {condition} {{ {body} }}"));
            format!("...{name}")
        }
    });
    parts.collect::<Vec<_>>().join(" ")
}

async fn run(schema: &ToySchema, document: ExecutableDocument) -> async_graphql::Response {
    let variables = async_graphql::value!({"yes": true, "no": false});
    let mut request = Request::new("").variables(Variables::from_value(variables));
    request.set_parsed_query(document);
    schema.execute(request).await
}

/// The keys of an object of type `of` in the order of the specification, for the selections as they were written.
fn order(document: &ExecutableDocument, set: &SelectionSet, of: &str, keys: &mut Vec<String>) {
    for selection in &set.items {
        let skipped = selection.node.directives().iter().any(|directive| {
            let value = directive.node.get_argument("if").map(|value| value.node.to_string());
            let truth = matches!(value.as_deref(), Some("true" | "$yes"));
            truth != (directive.node.name.node.as_str() == "include")
        });
        let (condition, inner) = match &selection.node {
            _ if skipped => continue,
            Selection::Field(field) => {
                let key = field.node.response_key().node.to_string();
                if !keys.contains(&key) {
                    keys.push(key);
                }
                continue;
            }
            Selection::InlineFragment(inline) => {
                (inline.node.type_condition.clone().unwrap(), &inline.node.selection_set.node)
            }
            Selection::FragmentSpread(spread) => {
                let fragment = &document.fragments[&spread.node.fragment_name.node].node;
                (fragment.type_condition.clone(), &fragment.selection_set.node)
            }
        };
        let on = condition.node.on.node.as_str();
        if on == of || on == "Node" {
            order(document, inner, of, keys);
        }
    }
}

async fn check(field: &str, pieces: &[Piece]) {
    let mut fragments = Vec::new();
    let body = write(pieces, &mut fragments);
    let uses = "a: echo @include(if: $yes) b: echo @skip(if: $no)";
    let text = format!(
        "query($yes: Boolean!, $no: Boolean!) {{ {field} {{ {body} }} {uses} }} {}",
        fragments.join(" ")
    );
    let document = parse_query(&text).unwrap();
    let (schema, _) = schema();
    let unmerged = run(&schema, document.clone()).await;
    let types = Types::from_sdl(&schema.sdl(), &[]).unwrap();
    let (_, operation) = document.operations.iter().next().unwrap();
    let variables = Variables::from_value(async_graphql::value!({"yes": true, "no": false}));
    let plan = collect(&types, &document, None, operation, &variables, 5000).expect(&text);
    let mut merged = run(&schema, plan.document.clone()).await;
    plan.shape.complete(&mut merged.data, &merged.errors);
    let json = |value: &Value| serde_json::to_value(value).unwrap();
    // The library leaves out the key of a failed field; completed, it is null.
    let mut expected = json(&unmerged.data);
    add_failed(&mut expected, &unmerged.errors);
    assert_eq!(json(&merged.data), expected, "{text}");

    let Selection::Field(root) = &operation.node.selection_set.node.items[0].node else { panic!("{text}") };
    let Value::Object(data) = &merged.data else { panic!("{text}") };
    let found = match &data[field] {
        Value::List(list) => list.clone(),
        single => vec![single.clone()],
    };
    for (object, of) in
        found.iter().zip(if field == "slow" { vec!["Slow"] } else { vec!["Cat", "Dog", "Fish"] })
    {
        let Value::Object(object) = object else { panic!("{text}") };
        let mut keys = Vec::new();
        order(&document, &root.node.selection_set.node, of, &mut keys);
        assert_eq!(object.keys().map(ToString::to_string).collect::<Vec<_>>(), keys, "{of}: {text}");
    }
}

fn add_failed(data: &mut serde_json::Value, errors: &[async_graphql::ServerError]) {
    for error in errors {
        let (last, way) = error.path.split_last().unwrap();
        let pointer = way.iter().map(|segment| match segment {
            async_graphql::PathSegment::Field(field) => format!("/{field}"),
            async_graphql::PathSegment::Index(index) => format!("/{index}"),
        });
        let parent = data.pointer_mut(&pointer.collect::<String>()).unwrap();
        let async_graphql::PathSegment::Field(field) = last else { panic!("{error:?}") };
        parent.as_object_mut().unwrap().insert(field.clone(), serde_json::Value::Null);
    }
}

fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_object_answers_the_same_merged(pieces in on_slow()) {
        block_on(check("slow", &pieces));
    }

    #[test]
    fn an_abstract_type_answers_the_same_merged(pieces in on_node()) {
        block_on(check("nodes", &pieces));
    }
}
