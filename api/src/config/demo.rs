//! What demo mode sets by itself, and the files it makes: nobody should have to configure anything to try.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{DEMO_ISSUER, Origin, source::Entries, value::Raw};
use crate::auth::issue;

/// Holds the demo's own master key, as `encryption.keys` is written.
const KEY_FILE: &str = "demo-encryption.key";

/// Makes the demo's keys in `dir`, each once; a second call changes nothing.
pub fn prepare(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let mut key = [0; 32];
    SystemRandom::new().fill(&mut key).map_err(|_| io::Error::other("no random numbers"))?;
    create_once(&dir.join(KEY_FILE), format!("demo:{}\n", STANDARD.encode(key)).as_bytes())?;
    issue::prepare(dir)
}

/// Settings that demo mode changes, below file, environment and command line.
pub(super) fn add_defaults(entries: &mut Entries, dir: &Path) {
    let path = |name: &str| dir.join(name).to_string_lossy().into_owned();
    let mut set = |key: &str, value: String| {
        entries.entry(key.to_owned()).or_insert((Raw::Text(value), Origin::Demo));
    };
    set("database.url", format!("sqlite://{}?mode=rwc", path("patientkontrakt.db")));
    set("graphql.introspection", "true".to_owned());
    set("auth.issuer", DEMO_ISSUER.to_owned());
    set("auth.audience", "patientkontrakt".to_owned());
    set("log.format", "text".to_owned());
    set("region.name", "Region Exempel".to_owned());
    set("region.coordinating_region", "99".to_owned());
    set("reminders.risk_analysis_reference", "demo".to_owned());
    set("reminders.risk_analysis_date", "2026-01-01".to_owned());
    if let Ok(key) = fs::read_to_string(dir.join(KEY_FILE)) {
        set("encryption.keys", key);
    }
    if !entries.contains_key("auth.jwks_url") {
        let file = path(issue::JWKS_FILE);
        entries.entry("auth.jwks_file".to_owned()).or_insert((Raw::Text(file), Origin::Demo));
    }
}

/// Numbers drafts, so that nobody else writes to the same one: neither another process nor another thread.
static DRAFTS: AtomicU32 = AtomicU32::new(0);

/// Writes `content` to `path` unless the file exists, whole or not at all, readable by its owner only; answers
/// what the file then holds. Two processes that race agree on the first one's content.
pub fn create_once(path: &Path, content: &[u8]) -> io::Result<Vec<u8>> {
    match fs::read(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        existing => return existing,
    }
    let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
    let draft = path.with_extension(format!("draft-{}-{number}", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    // A link, unlike a rename, never replaces what another process has just made.
    let linked = written.and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match linked {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => removed?,
    }
    fs::read(path)
}
