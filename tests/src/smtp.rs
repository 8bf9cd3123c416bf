//! A real mail server for tests: `smtp/server.py` on aiosmtpd, on a free loopback port.
//!
//! What counts is its ledger: what it accepted, not what the service says.
#![allow(clippy::expect_used, reason = "a test that has no mail server cannot go on")]

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::python::{self, run};

/// How the server is to behave.
#[derive(Clone, Debug, Default)]
pub struct SmtpOptions {
    /// `none`, `starttls` or `tls`.
    pub tls: Option<&'static str>,
    pub login: Option<(&'static str, &'static str)>,
    /// Where it listens, on loopback; a free port of 127.0.0.1 when left out.
    pub listen: Option<SocketAddr>,
    /// Orders such as `reply:rcpt:550:1`, `hang:data` or `cut:accepted:1`.
    pub faults: Vec<String>,
}

impl SmtpOptions {
    /// A plain server with these faults.
    pub fn faults<const N: usize>(faults: [&str; N]) -> Self {
        Self { faults: faults.iter().map(ToString::to_string).collect(), ..Self::default() }
    }
}

/// A running server; it ends when this is dropped.
pub struct SmtpServer {
    pub port: u16,
    /// The authority that signed the server's certificate, for TLS.
    pub ca_file: PathBuf,
    ledger: PathBuf,
    _dir: TempDir,
    _child: Child,
}

/// One accepted message.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub sender: String,
    pub recipients: Vec<String>,
    pub tls: bool,
    pub user: Option<String>,
    /// The number of the connection it came over, from 1.
    pub connection: u64,
    /// As it came over the wire.
    pub content: String,
}

impl Accepted {
    /// A header's value, unfolded; empty if it is not there.
    pub fn header(&self, name: &str) -> String {
        let unfolded = self.content.replace("\r\n ", " ").replace("\r\n\t", " ");
        let head = unfolded.split("\r\n\r\n").next().unwrap_or_default();
        head.lines()
            .find_map(|line| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)))
            .map(|(_, value)| value.to_owned())
            .unwrap_or_default()
    }
}

impl SmtpServer {
    /// Starts a server and waits until it listens.
    ///
    /// # Panics
    /// If Python or aiosmtpd cannot be had: says what to install.
    pub async fn start(options: SmtpOptions) -> Self {
        let dir = tempfile::tempdir().expect("a directory for the mail server");
        let ledger = dir.path().join("ledger.jsonl");
        std::fs::write(&ledger, "").expect("the ledger can be written");
        let ca_file = dir.path().join("ca.pem");
        let mut command = Command::new(python::python());
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("smtp/server.py"));
        command.arg("--ledger").arg(&ledger);
        if let Some(listen) = options.listen {
            command.arg("--listen").arg(listen.to_string());
        }
        for fault in &options.faults {
            command.args(["--fault", fault]);
        }
        if let Some(tls) = options.tls {
            certificates(dir.path());
            command.args(["--tls", tls]).arg("--certificate").arg(dir.path().join("server.pem"));
            command.arg("--key").arg(dir.path().join("server.key"));
        }
        if let Some((user, password)) = options.login {
            command.args(["--user", user, "--password", password]);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the mail server starts");
        let stdout = child.stdout.take().expect("the mail server's output");
        let mut first = String::new();
        let read = timeout(Duration::from_secs(30), BufReader::new(stdout).read_line(&mut first)).await;
        read.expect("the mail server listens within 30 s").expect("the mail server's output can be read");
        let said: Value = serde_json::from_str(&first).expect("the mail server says its port");
        let port = said["port"].as_u64().and_then(|port| port.try_into().ok()).expect("a port");
        Self { port, ca_file, ledger, _dir: dir, _child: child }
    }

    /// What the server has accepted, in order.
    ///
    /// # Panics
    /// If the ledger is damaged.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.events("accepted")
            .iter()
            .map(|entry| {
                let content = STANDARD.decode(entry["content"].as_str().unwrap_or_default());
                Accepted {
                    sender: entry["sender"].as_str().unwrap_or_default().to_owned(),
                    recipients: entry["recipients"]
                        .as_array()
                        .map(|all| all.iter().filter_map(Value::as_str).map(str::to_owned).collect())
                        .unwrap_or_default(),
                    tls: entry["tls"] == true,
                    user: entry["user"].as_str().map(str::to_owned),
                    connection: entry["connection"].as_u64().unwrap_or_default(),
                    content: String::from_utf8(content.expect("base64")).expect("a mail in ASCII"),
                }
            })
            .collect()
    }

    /// How many connections were made (`connected`), or logins tried (`auth`).
    ///
    /// # Panics
    /// If the ledger is damaged.
    pub fn count(&self, event: &str) -> usize {
        self.events(event).len()
    }

    fn events(&self, event: &str) -> Vec<Value> {
        std::fs::read_to_string(&self.ledger)
            .expect("the ledger can be read")
            .split_inclusive('\n')
            // What the server is writing just now is not there yet.
            .filter(|line| line.ends_with('\n'))
            .map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"))
            .filter(|entry| entry["event"] == event)
            .collect()
    }
}

/// An authority (`ca.pem`) and a certificate of the server `localhost` signed by it.
fn certificates(dir: &Path) {
    let path = |name: &str| dir.join(name).to_string_lossy().into_owned();
    std::fs::write(
        dir.join("server.cnf"),
        "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n",
    )
    .expect("the certificate's extensions can be written");
    let openssl = |args: &[&str]| {
        assert!(run(Path::new("openssl"), args), "the TLS tests need openssl: apt-get install openssl");
    };
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let mut authority = vec!["req", "-x509", "-days", "2", "-subj", "/CN=test authority"];
    let (ca, ca_key, key, request, certificate, extensions) = (
        path("ca.pem"),
        path("ca.key"),
        path("server.key"),
        path("server.csr"),
        path("server.pem"),
        path("server.cnf"),
    );
    authority.extend(curve);
    authority.extend(["-keyout", &ca_key, "-out", &ca]);
    openssl(&authority);
    let mut server = vec!["req", "-subj", "/CN=localhost", "-keyout", &key, "-out", &request];
    server.extend(curve);
    openssl(&server);
    openssl(&[
        "x509",
        "-req",
        "-days",
        "2",
        "-in",
        &request,
        "-CA",
        &ca,
        "-CAkey",
        &ca_key,
        "-CAcreateserial",
        "-extfile",
        &extensions,
        "-out",
        &certificate,
    ]);
}
