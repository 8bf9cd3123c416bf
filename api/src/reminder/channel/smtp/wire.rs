//! The unencrypted connection, read a line at a time.
//!
//! Whoever sits between us and the server can append replies to the one that starts TLS; a reader that took them
//! in would later believe they came encrypted. Handing out one line at a time leaves them to the TLS handshake,
//! which fails on them.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A TCP stream that never gives a reader more than one line.
#[derive(Debug)]
pub(super) struct Wire {
    tcp: TcpStream,
    held: Box<[u8]>,
    /// The part of `held` that was received and not yet handed out.
    from: usize,
    until: usize,
}

impl Wire {
    pub(super) fn new(tcp: TcpStream) -> Self {
        Self { tcp, held: vec![0; 8192].into_boxed_slice(), from: 0, until: 0 }
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.from == this.until {
            let mut buffer = ReadBuf::new(&mut this.held);
            ready!(Pin::new(&mut this.tcp).poll_read(cx, &mut buffer))?;
            (this.from, this.until) = (0, buffer.filled().len());
        }
        let held = this.held.get(this.from..this.until).unwrap_or_default();
        let line = held.iter().position(|b| *b == b'\n').map_or(held.len(), |end| end + 1);
        let given = line.min(out.remaining());
        out.put_slice(held.get(..given).unwrap_or_default());
        this.from += given;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.peer_addr()
    }
}
