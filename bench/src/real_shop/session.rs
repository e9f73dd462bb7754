//! A connection through the server's own client, kept open: statements go in, and the end of each
//! is seen when it is answered.

use crate::BenchError;
use crate::servers::ShopServer;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

const MARK: &str = "answered";

pub struct Session {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Session {
    pub fn open(server: &ShopServer) -> Result<Self, BenchError> {
        let mut child = server
            .client()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take());
        let (Some(input), Some(output)) = pipes else {
            return Err(BenchError::Server("its client has no pipes".into()));
        };
        Ok(Self {
            child,
            input,
            output: BufReader::new(output),
        })
    }

    /// Runs statements, each of which ends with a semicolon; returns what they gave when the last
    /// one is answered.
    pub fn run(&mut self, sql: &str) -> Result<Vec<String>, BenchError> {
        let asked = writeln!(self.input, "{sql}\nSELECT '{MARK}';");
        let asked = asked.and_then(|()| self.input.flush());
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if asked.is_err() || self.output.read_line(&mut line)? == 0 {
                let mut said = String::new();
                if let Some(error) = &mut self.child.stderr {
                    error.read_to_string(&mut said)?;
                }
                return Err(BenchError::Server(said));
            }
            match line.trim_end() {
                MARK => return Ok(lines),
                other => lines.push(other.to_owned()),
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Ended by itself when it has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
