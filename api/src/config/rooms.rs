//! What each part of the service needs of the configuration, in that part's own terms.

use secrecy::ExposeSecret;

use super::Config;
use crate::{crypto, db::DbOptions, http::graphql::limits::Limits, session};

/// Connections per processor core when none are configured: more only cost the database.
const CONNECTIONS_PER_CORE: usize = 2;

impl Config {
    /// How to reach the database.
    pub fn db_options(&self) -> DbOptions {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        DbOptions {
            url: self.database.url.expose().to_owned(),
            max_connections: self.database.max_connections.unwrap_or((cores * CONNECTIONS_PER_CORE) as u32),
            timeout: self.database.timeout_seconds,
            observer: None,
        }
    }

    /// The master keys, the active one first.
    pub fn masters(&self) -> Vec<crypto::MasterKey> {
        let mut masters: Vec<_> = self
            .encryption
            .keys
            .iter()
            .filter_map(|master| {
                let key = master.key.expose_secret().try_into().ok()?;
                Some(crypto::MasterKey { id: master.id.clone(), key })
            })
            .collect();
        if let Some(active) = &self.encryption.active {
            masters.sort_by_key(|master| master.id != *active);
        }
        masters
    }

    /// What one GraphQL request may ask.
    pub fn limits(&self) -> Limits {
        let graphql = &self.graphql;
        Limits {
            body_bytes: self.http.body_limit_bytes,
            tokens: graphql.max_tokens,
            depth: graphql.max_depth,
            aliases: graphql.max_aliases,
            directives: graphql.max_directives,
            root_fields: graphql.max_root_fields,
            fields: graphql.max_fields,
            complexity: graphql.max_complexity,
            cached_documents: graphql.cached_documents,
            cached_document_bytes: graphql.cached_document_bytes,
        }
    }

    /// The region's choices that domain rules depend on.
    pub fn settings(&self) -> session::Settings {
        session::Settings {
            region: self.region.coordinating_region.clone(),
            fixed_contacts: self.region.fixed_contact_policy,
            reminders_enabled: self.sending_is_decided(),
            after_hours_phone: self.region.after_hours_phone.clone(),
        }
    }
}
