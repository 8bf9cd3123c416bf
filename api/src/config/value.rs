//! How one setting is read from text or TOML, and shown again.
//!
//! Every type of setting says in one place what it accepts and how it is written, so that the file, the
//! environment, the printed example and the effective configuration can never disagree.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{NaiveDate, NaiveTime};
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use toml::de::DeValue;

use crate::domain::agreement::patient_group::PatientGroup;

/// A value as it was found, before its type is known.
#[derive(Clone)]
pub(super) enum Raw {
    /// From the environment or the command line: text that each type reads in its own way.
    Text(String),
    String(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Array(Vec<Raw>),
    /// Something no setting accepts, by its TOML name.
    Other(&'static str),
}

impl From<&DeValue<'_>> for Raw {
    fn from(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(s) => Self::String(s.clone().into_owned()),
            DeValue::Integer(i) => i64::from_str_radix(i.as_str(), i.radix())
                .map_or(Self::Other("number out of range"), Self::Integer),
            DeValue::Float(f) => f.as_str().parse().map_or(Self::Other("number out of range"), Self::Float),
            DeValue::Boolean(b) => Self::Bool(*b),
            DeValue::Datetime(at) => Self::String(at.to_string()),
            DeValue::Array(items) => Self::Array(items.iter().map(|i| Self::from(i.get_ref())).collect()),
            DeValue::Table(_) => Self::Other("table"),
        }
    }
}

impl Raw {
    /// What was given, for a message; never called for a secret.
    fn describe(&self) -> String {
        match self {
            Self::Text(s) | Self::String(s) => format!("\"{s}\""),
            Self::Integer(i) => i.to_string(),
            Self::Float(f) => f.to_string(),
            Self::Bool(b) => b.to_string(),
            Self::Array(_) => "a list".to_owned(),
            Self::Other(what) => format!("a {what}"),
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(s) | Self::String(s) => Some(s),
            _ => None,
        }
    }
}

/// A type that a setting can have.
pub(super) trait Setting: Sized {
    /// Whether the value must never be shown; such settings also have a `_FILE` variable.
    const SECRET: bool = false;

    /// Reads a value. The error is the end of a sentence that begins with the setting's name.
    fn read(raw: &Raw) -> Result<Self, String>;

    /// The value as TOML, secrets masked; `None` when it is not set.
    fn show(&self) -> Option<String>;
}

/// What the printed configuration shows in place of a secret.
pub(super) const MASK: &str = "\"********\"";

fn expected(what: &str, raw: &Raw) -> String {
    format!("must be {what}, not {}", raw.describe())
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A setting written as text and parsed by its `FromStr`.
fn from_text<T: FromStr>(raw: &Raw, what: &str) -> Result<T, String> {
    raw.text().and_then(|s| s.trim().parse().ok()).ok_or_else(|| expected(what, raw))
}

macro_rules! text_settings {
    ($($type:ty: $what:literal;)*) => {$(
        impl Setting for $type {
            fn read(raw: &Raw) -> Result<Self, String> {
                from_text(raw, $what)
            }
            fn show(&self) -> Option<String> {
                Some(quoted(&self.to_string()))
            }
        }
    )*};
}

text_settings! {
    SocketAddr: "an address with a port, such as \"127.0.0.1:8080\"";
    chrono_tz::Tz: "a time zone, such as \"Europe/Stockholm\"";
    NaiveDate: "a date, such as \"2026-01-31\"";
    PatientGroup: "a code with two names, such as \"ASTMA_KOL: Astma och kol / Asthma and COPD\"";
}

macro_rules! whole_numbers {
    ($($type:ty),*) => {$(
        impl Setting for $type {
            fn read(raw: &Raw) -> Result<Self, String> {
                let number = match raw {
                    Raw::Integer(i) => <$type>::try_from(*i).ok(),
                    Raw::Text(s) => s.trim().parse().ok(),
                    _ => None,
                };
                number.ok_or_else(|| expected("a whole number, 0 or more", raw))
            }
            fn show(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )*};
}

whole_numbers!(u16, u32, u64, usize);

/// Declares an enumeration whose values are written as lower-case words.
macro_rules! choices {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        $crate::config::value::words! { $name { $($variant = $word),+ } }
    };
}
pub(super) use choices;

/// Gives an enumeration its words.
macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $crate::config::value::Setting for $name {
            fn read(raw: &$crate::config::value::Raw) -> Result<Self, String> {
                $crate::config::value::choice(raw, &[$(($word, Self::$variant)),+])
            }
            fn show(&self) -> Option<String> {
                Some(match self { $(Self::$variant => concat!("\"", $word, "\"")),+ }.to_owned())
            }
        }
    };
}
pub(super) use words;

pub(super) fn choice<T: Copy>(raw: &Raw, words: &[(&str, T)]) -> Result<T, String> {
    let given = raw.text().map(|s| s.trim().to_lowercase()).unwrap_or_default();
    words.iter().find(|(word, _)| *word == given).map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        expected(&known.join(" or "), raw)
    })
}

impl Setting for String {
    fn read(raw: &Raw) -> Result<Self, String> {
        raw.text().map(|s| s.trim().to_owned()).ok_or_else(|| expected("a text in quotes", raw))
    }
    fn show(&self) -> Option<String> {
        Some(quoted(self))
    }
}

impl Setting for PathBuf {
    fn read(raw: &Raw) -> Result<Self, String> {
        raw.text().map(PathBuf::from).ok_or_else(|| expected("a path in quotes", raw))
    }
    fn show(&self) -> Option<String> {
        Some(quoted(&self.to_string_lossy()))
    }
}

impl Setting for bool {
    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Bool(b) => Ok(*b),
            Raw::Text(_) => choice(raw, &[("true", true), ("false", false)]),
            _ => Err(expected("true or false", raw)),
        }
    }
    fn show(&self) -> Option<String> {
        Some(self.to_string())
    }
}

/// A length of time, written as a number of seconds; decimals are allowed.
impl Setting for Duration {
    fn read(raw: &Raw) -> Result<Self, String> {
        let seconds = match raw {
            Raw::Integer(i) => Some(*i as f64),
            Raw::Float(f) => Some(*f),
            Raw::Text(s) => s.trim().parse().ok(),
            _ => None,
        };
        seconds
            .and_then(|s| Self::try_from_secs_f64(s).ok())
            .ok_or_else(|| expected("a number of seconds, 0 or more", raw))
    }
    fn show(&self) -> Option<String> {
        Some(self.as_secs_f64().to_string())
    }
}

impl Setting for NaiveTime {
    fn read(raw: &Raw) -> Result<Self, String> {
        raw.text()
            .and_then(|s| Self::parse_from_str(s.trim(), "%H:%M").ok())
            .ok_or_else(|| expected("a time of day, such as \"08:00\"", raw))
    }
    fn show(&self) -> Option<String> {
        Some(quoted(&self.format("%H:%M").to_string()))
    }
}

impl Setting for IpNet {
    fn read(raw: &Raw) -> Result<Self, String> {
        let text = raw.text().map(str::trim).unwrap_or_default();
        text.parse()
            .or_else(|_| text.parse::<std::net::IpAddr>().map(Self::from))
            .map_err(|_| expected("an address or network, such as \"10.0.0.0/8\"", raw))
    }
    fn show(&self) -> Option<String> {
        Some(quoted(&self.to_string()))
    }
}

/// Absent when it is not given or given as an empty text.
impl<T: Setting> Setting for Option<T> {
    const SECRET: bool = T::SECRET;

    fn read(raw: &Raw) -> Result<Self, String> {
        if raw.text().is_some_and(|s| s.trim().is_empty()) {
            return Ok(None);
        }
        T::read(raw).map(Some)
    }
    fn show(&self) -> Option<String> {
        self.as_ref().and_then(T::show)
    }
}

/// A TOML list, or text with commas or line breaks between the items.
impl<T: Setting> Setting for Vec<T> {
    const SECRET: bool = T::SECRET;

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Array(items) => items.iter().map(T::read).collect(),
            Raw::Text(text) => text
                .split([',', '\n'])
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| T::read(&Raw::Text(item.to_owned())))
                .collect(),
            _ if T::SECRET => Err("must be a list".to_owned()),
            _ => Err(expected("a list", raw)),
        }
    }
    fn show(&self) -> Option<String> {
        let items: Vec<_> = self.iter().filter_map(T::show).collect();
        Some(format!("[{}]", items.join(", ")))
    }
}

impl Setting for SecretString {
    const SECRET: bool = true;

    fn read(raw: &Raw) -> Result<Self, String> {
        raw.text().map(Self::from).ok_or_else(|| "must be a text in quotes".to_owned())
    }
    fn show(&self) -> Option<String> {
        Some(MASK.to_owned())
    }
}

/// One master key of the encryption: exactly 32 bytes under an id of letters, digits, `-` and `_`.
#[derive(Clone, Debug)]
pub struct MasterKey {
    /// Stored with everything the key seals, so that old text stays readable after a change of key.
    pub id: String,
    /// The 32 bytes.
    pub key: SecretSlice<u8>,
}

impl Setting for MasterKey {
    const SECRET: bool = true;

    fn read(raw: &Raw) -> Result<Self, String> {
        let wrong = || {
            "must hold keys as \"id:BASE64\", where BASE64 is 32 random bytes (make one with \
             `openssl rand -base64 32`)"
                .to_owned()
        };
        let (id, key) = raw.text().and_then(|s| s.trim().split_once(':')).ok_or_else(wrong)?;
        let id_is_plain = !id.is_empty()
            && id.len() <= 32
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let bytes = STANDARD.decode(key).map_err(|_| wrong())?;
        if !id_is_plain || bytes.len() != 32 {
            return Err(wrong());
        }
        Ok(Self { id: id.to_owned(), key: bytes.into() })
    }
    fn show(&self) -> Option<String> {
        Some(quoted(&format!("{}:********", self.id)))
    }
}

/// Where the database is. A secret, because it may hold a password; only the password is masked when shown.
#[derive(Clone, Debug)]
pub struct DatabaseUrl(SecretString);

impl DatabaseUrl {
    /// The whole address, password included.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether the embedded SQLite is meant, not a PostgreSQL server.
    pub fn is_sqlite(&self) -> bool {
        self.expose().starts_with("sqlite:")
    }

    /// The file of the embedded SQLite; none for a PostgreSQL server.
    pub fn sqlite_file(&self) -> Option<&Path> {
        let url = self.expose();
        let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"))?;
        Some(Path::new(path.split('?').next().unwrap_or(path)))
    }
}

impl From<&str> for DatabaseUrl {
    fn from(url: &str) -> Self {
        Self(url.into())
    }
}

impl Setting for DatabaseUrl {
    const SECRET: bool = true;

    fn read(raw: &Raw) -> Result<Self, String> {
        let url = raw.text().map(str::trim).unwrap_or_default();
        if url.starts_with("sqlite:") || url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::from(url));
        }
        Err("must be an address that begins with \"sqlite:\" or \"postgres://\"".to_owned())
    }
    fn show(&self) -> Option<String> {
        let url = self.expose();
        let shown = match (url.find("://"), url.rfind('@')) {
            (Some(start), Some(at)) if start < at => match url[start + 3..at].split_once(':') {
                Some((user, _)) => format!("{}{user}:********{}", &url[..start + 3], &url[at..]),
                None => url.to_owned(),
            },
            _ => url.to_owned(),
        };
        Some(quoted(&mask_parameter(&shown)))
    }
}

/// Masks a `password=` parameter, which PostgreSQL addresses may carry instead.
fn mask_parameter(url: &str) -> String {
    match url.split_once("password=") {
        Some((before, after)) => {
            let rest = after.find('&').map_or("", |end| &after[end..]);
            format!("{before}password=********{rest}")
        }
        None => url.to_owned(),
    }
}
