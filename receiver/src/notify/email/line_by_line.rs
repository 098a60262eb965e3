//! A connection that hands out what the server says one line at a time.
//!
//! lettre reads ahead. What a server (or somebody on the way to it) sends in the clear behind its consent to STARTTLS would
//! wait in that buffer and be taken for answers from within TLS (RFC 3207, 6). Here it stays behind, and the TLS handshake
//! fails on it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// As much as is taken from the operating system at once.
const READ: usize = 8 * 1024;

/// The connection, and what was read of it but not handed out.
#[derive(Debug)]
pub(super) struct LineByLine {
    stream: TcpStream,
    read: Vec<u8>,
    handed_out: usize,
}

impl LineByLine {
    pub(super) fn new(stream: TcpStream) -> LineByLine {
        LineByLine { stream, read: Vec::new(), handed_out: 0 }
    }

    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.read.resize(READ, 0);
        let mut buffer = ReadBuf::new(&mut self.read);
        let polled = Pin::new(&mut self.stream).poll_read(context, &mut buffer);
        let filled = buffer.filled().len();
        self.read.truncate(filled);
        self.handed_out = 0;
        polled
    }
}

impl AsyncRead for LineByLine {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.handed_out == self.read.len() {
            ready!(self.poll_fill(context))?;
        }
        let waiting = &self.read[self.handed_out..];
        let line = waiting.iter().position(|byte| *byte == b'\n').map_or(waiting.len(), |end| end + 1);
        let part = line.min(buffer.remaining());
        buffer.put_slice(&waiting[..part]);
        self.handed_out += part;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LineByLine {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl AsyncTokioStream for LineByLine {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_read_ends_with_a_line_however_much_came_and_nothing_is_lost() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        server.write_all(b"220 go\r\n250 forged\r\nrest").await.unwrap();
        drop(server);
        let mut lines = LineByLine::new(stream);
        let mut buffer = [0; 64];
        let read = lines.read(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..read], b"220 go\r\n");
        let mut small = [0; 4];
        assert_eq!(lines.read(&mut small).await.unwrap(), 4);
        assert_eq!(&small, b"250 ");
        let mut rest = Vec::new();
        lines.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"forged\r\nrest");
    }
}
