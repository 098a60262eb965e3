//! A mail server that answers as told, for what a real one cannot be made to do.

use std::sync::{Arc, Mutex};

use modelwatch_common::shutdown::Tasks;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What it does instead of saying yes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    /// Says this.
    Say(&'static str),
    /// Says nothing any more.
    Silence,
    /// Closes the connection.
    Drop,
}

/// From the beginning of a command (`GREETING` and `.` are moments without one) to what it does there, and how often.
pub(super) type Rule = (&'static str, Act, usize);

/// Every time.
pub(super) const ALWAYS: usize = usize::MAX;

/// A listening server; it ends with the test's runtime.
pub(super) struct Smtp {
    pub(super) port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    commands: Vec<String>,
    taken: Vec<(String, String)>,
}

impl Smtp {
    pub(super) async fn start(rules: &[Rule]) -> Smtp {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State { rules: rules.to_vec(), ..State::default() }));
        let seen = Arc::clone(&state);
        Tasks::new().spawn("smtp", async move {
            while let Ok((stream, _)) = listener.accept().await {
                // whoever goes away in the middle is the client's affair
                let _ = Conversation { state: &seen, recipient: String::new() }.hold(stream).await;
            }
        });
        Smtp { port, state }
    }

    /// Who has which mail.
    pub(super) fn taken(&self) -> Vec<(String, String)> {
        self.state.lock().unwrap().taken.clone()
    }

    /// Who has a mail, in order.
    pub(super) fn recipients(&self) -> Vec<String> {
        self.taken().into_iter().map(|(recipient, _)| recipient).collect()
    }

    /// Everything that was said to it.
    pub(super) fn commands(&self) -> Vec<String> {
        self.state.lock().unwrap().commands.clone()
    }
}

struct Conversation<'a> {
    state: &'a Mutex<State>,
    recipient: String,
}

impl Conversation<'_> {
    async fn hold(mut self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        if !self.answer(&mut stream, "GREETING", "220 ready").await? {
            return Ok(());
        }
        let mut line = String::new();
        while stream.read_line(&mut line).await? > 0 {
            let command = std::mem::take(&mut line).trim_end().to_owned();
            self.state.lock().unwrap().commands.push(command.clone());
            if let Some(recipient) = command.strip_prefix("RCPT TO:<") {
                self.recipient = recipient.trim_end_matches('>').to_owned();
            }
            let usual = match command.split(' ').next().unwrap_or_default() {
                "EHLO" => "250-stand-in\r\n250-AUTH PLAIN\r\n250 8BITMIME",
                "AUTH" => "235 welcome",
                "DATA" => "354 go on",
                "QUIT" => "221 bye",
                _ => "250 2.0.0 ok",
            };
            if !self.answer(&mut stream, &command, usual).await? {
                return Ok(());
            }
            if command == "DATA" && !self.mail(&mut stream).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads a mail up to its dot; a server that is to drop there has read it all.
    async fn mail(&self, stream: &mut BufReader<TcpStream>) -> std::io::Result<bool> {
        let mut mail = String::new();
        while !mail.ends_with("\r\n.\r\n") {
            if !mail.is_empty() && mail.lines().next().is_some_and(|line| line == "RSET" || line == "QUIT") {
                self.state.lock().unwrap().commands.push(mail.trim_end().to_owned());
                return Ok(true);
            }
            if stream.read_line(&mut mail).await? == 0 {
                return Ok(false);
            }
        }
        self.state.lock().unwrap().taken.push((self.recipient.clone(), mail));
        self.answer(stream, ".", "250 2.0.0 queued").await
    }

    /// Says what a rule or usage wants; `false` when the conversation is over.
    async fn answer(
        &self,
        stream: &mut BufReader<TcpStream>,
        command: &str,
        usual: &str,
    ) -> std::io::Result<bool> {
        match self.rule(command) {
            None => stream.get_mut().write_all(format!("{usual}\r\n").as_bytes()).await.map(|()| true),
            Some(Act::Say(words)) => {
                stream.get_mut().write_all(format!("{words}\r\n").as_bytes()).await?;
                Ok(!words.starts_with("421") && (command != "DATA" || words.starts_with("354")))
            }
            Some(Act::Drop) => Ok(false),
            Some(Act::Silence) => stream.read(&mut [0; 64]).await.map(|_| false),
        }
    }

    fn rule(&self, command: &str) -> Option<Act> {
        let rules = &mut self.state.lock().unwrap().rules;
        let (_, act, times) =
            rules.iter_mut().find(|(at, _, times)| command.starts_with(at) && *times > 0)?;
        *times = times.saturating_sub(usize::from(*times != ALWAYS));
        Some(*act)
    }
}
