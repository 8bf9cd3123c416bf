//! A mail server for crowds: SMTP on loopback, in this process, as fast as it can be read. It takes everything.
//!
//! What a real server does with faults, TLS and logins is `smtp`'s; here only what arrived, and in which order, counts.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A running server; it ends when this is dropped.
pub struct Sink {
    pub port: u16,
    ids: Arc<Mutex<Vec<String>>>,
    accepting: JoinHandle<()>,
}

impl Sink {
    /// Starts a server on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let ids: Arc<Mutex<Vec<String>>> = Arc::default();
        let taken = Arc::clone(&ids);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let taken = Arc::clone(&taken);
                // A client that breaks off has nothing more to say.
                tokio::spawn(async move { drop(converse(client, &taken).await) });
            }
        });
        Self { port, ids, accepting }
    }

    /// The Message-IDs of what was accepted, in order.
    pub fn ids(&self) -> Vec<String> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn converse(client: TcpStream, taken: &Mutex<Vec<String>>) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let (reading, mut writing) = client.into_split();
    let mut lines = BufReader::new(reading);
    writing.write_all(b"220 sink\r\n").await?;
    let mut line = String::new();
    loop {
        line.clear();
        if lines.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let reply: &[u8] = match verb.as_str() {
            "EHLO" => b"250-sink\r\n250 8BITMIME\r\n",
            "DATA" => {
                writing.write_all(b"354 go on\r\n").await?;
                let id = content(&mut lines).await?;
                taken.lock().unwrap_or_else(PoisonError::into_inner).push(id);
                b"250 taken\r\n"
            }
            "QUIT" => {
                writing.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => b"250 ok\r\n",
        };
        writing.write_all(reply).await?;
    }
}

/// Reads one mail to its end; gives its Message-ID.
async fn content(lines: &mut BufReader<tokio::net::tcp::OwnedReadHalf>) -> std::io::Result<String> {
    let (mut id, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if lines.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == ".\r\n" {
            return Ok(id);
        }
        if let Some(value) = line.strip_prefix("Message-ID:").filter(|_| id.is_empty()) {
            value.trim().clone_into(&mut id);
        }
    }
}
