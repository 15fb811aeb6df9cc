//! Whoever sends mail to Postfix: it speaks SMTP, and tries again until Postfix has taken the mail.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// Nothing that a busy machine does takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// From whom to whom, as the mail server is told.
#[derive(Clone, Copy)]
pub(crate) struct Envelope<'a> {
    pub(crate) from: &'a str,
    pub(crate) to: &'a [&'a str],
}

/// The usual one.
pub(crate) const TO_BOB: Envelope<'static> = Envelope {
    from: "alice@example.org",
    to: &["bob@example.org"],
};

/// One connection.
struct Session(BufReader<TcpStream>);

impl Session {
    fn open(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut session = Self(BufReader::new(stream));
        session.reply()?;
        session.command("HELO client.example.org")?;
        Ok(session)
    }

    fn send(&mut self, envelope: Envelope, mail: &[u8]) -> io::Result<u16> {
        let mut code = self.command(&format!("MAIL FROM:<{}>", envelope.from))?;
        for to in envelope.to {
            if code == 250 {
                code = self.command(&format!("RCPT TO:<{to}>"))?;
            }
        }
        if code != 250 || self.command("DATA")? != 354 {
            return Ok(code);
        }
        self.0.get_mut().write_all(&as_data(mail))?;
        self.reply()
    }

    fn command(&mut self, line: &str) -> io::Result<u16> {
        self.0
            .get_mut()
            .write_all(format!("{line}\r\n").as_bytes())?;
        self.reply()
    }

    /// The code of a reply; its last line has a blank behind it.
    fn reply(&mut self) -> io::Result<u16> {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line)?;
            let code = line.get(..3).and_then(|code| code.parse().ok());
            match (code, line.get(3..4)) {
                (Some(_), Some("-")) => {}
                (Some(code), _) => return Ok(code),
                (None, _) => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }
}

/// The lines as SMTP has them, with the dot that ends them (RFC 5321, section 4.5.2).
fn as_data(mail: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    for line in mail
        .strip_suffix(b"\n")
        .unwrap_or(mail)
        .split(|b| *b == b'\n')
    {
        if line.starts_with(b".") {
            data.push(b'.');
        }
        data.extend_from_slice(line);
        data.extend_from_slice(b"\r\n");
    }
    data.extend_from_slice(b".\r\n");
    data
}

/// Offers a mail once: the code of Postfix's answer.
pub(crate) fn offer(port: u16, envelope: Envelope, mail: &[u8]) -> u16 {
    let mut session = Session::open(port).expect("Postfix listens");
    session.send(envelope, mail).expect("Postfix answers")
}

/// Sends mails one after the other, each until Postfix says that it has it.
fn send_each<'a>(port: u16, mails: impl Iterator<Item = &'a Vec<u8>>) {
    let mut session = None;
    for mail in mails {
        let deadline = Instant::now() + PATIENCE;
        while !taken(&mut session, port, mail) {
            assert!(Instant::now() < deadline, "Postfix takes no mail");
            session = None;
            sleep(Duration::from_millis(50));
        }
    }
}

fn taken(session: &mut Option<Session>, port: u16, mail: &[u8]) -> bool {
    if session.is_none() {
        *session = Session::open(port).ok();
    }
    session
        .as_mut()
        .is_some_and(|session| session.send(TO_BOB, mail).is_ok_and(|code| code == 250))
}

/// Sends mails over several connections at once.
pub(crate) fn send_together(port: u16, mails: &[Vec<u8>], connections: usize) {
    thread::scope(|scope| {
        for first in 0..connections {
            scope.spawn(move || send_each(port, mails.iter().skip(first).step_by(connections)));
        }
    });
}
