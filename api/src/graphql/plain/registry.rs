//! What plain objects tell the registry of the schema about themselves.

/// Whether `name` is the camelCase form of the Rust field `field`, without building the string.
pub fn is_camel_case_of(name: &str, field: &str) -> bool {
    let mut name = name.bytes();
    let mut upper = false;
    for byte in field.bytes() {
        if byte == b'_' {
            upper = true;
            continue;
        }
        let want = if upper { byte.to_ascii_uppercase() } else { byte };
        upper = false;
        if name.next() != Some(want) {
            return false;
        }
    }
    name.next().is_none()
}

/// The camelCase form of a Rust field.
pub fn camel_case(field: &str) -> String {
    let mut out = String::with_capacity(field.len());
    let mut upper = false;
    for c in field.chars() {
        if c == '_' {
            upper = true;
        } else {
            out.push(if upper { c.to_ascii_uppercase() } else { c });
            upper = false;
        }
    }
    out
}

/// The description that doc comments give: their lines, trimmed, joined.
pub fn description(lines: &[&str]) -> Option<String> {
    let text = lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n");
    (!text.is_empty()).then_some(text)
}

/// A field of a plain object, for the registry.
pub fn meta_field(name: String, docs: &[&str], ty: String) -> (String, async_graphql::registry::MetaField) {
    let field = async_graphql::registry::MetaField {
        name: name.clone(),
        description: description(docs),
        args: async_graphql::indexmap::IndexMap::new(),
        ty,
        deprecation: async_graphql::registry::Deprecation::NoDeprecated,
        cache_control: async_graphql::CacheControl::default(),
        external: false,
        requires: None,
        provides: None,
        visible: None,
        shareable: false,
        inaccessible: false,
        tags: Vec::new(),
        override_from: None,
        compute_complexity: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    };
    (name, field)
}

/// An object type for the registry.
pub fn meta_object(
    name: &'static str,
    docs: &[&str],
    rust_typename: &'static str,
    fields: async_graphql::indexmap::IndexMap<String, async_graphql::registry::MetaField>,
) -> async_graphql::registry::MetaType {
    async_graphql::registry::MetaType::Object {
        name: name.to_owned(),
        description: description(docs),
        fields,
        cache_control: async_graphql::CacheControl::default(),
        extends: false,
        shareable: false,
        resolvable: true,
        inaccessible: false,
        interface_object: false,
        tags: Vec::new(),
        keys: None,
        visible: None,
        is_subscription: false,
        rust_typename: Some(rust_typename),
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}
