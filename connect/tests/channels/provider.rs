//! A small HTTP server on loopback that stands for a provider: it records what it is sent and
//! answers as it is told. The providers' own servers cannot be reached from a test.

use connect::notify::{Limit, Message, Post, SecretFile, UrlSource};
use connect::outbound::{AllowList, Lookup, Outbound, Target};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub const LONG: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
pub struct Heard {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Heard {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, value)| value)
    }
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
    /// The path and query.
    pub fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap()
    }
    pub fn query(&self, name: &str) -> String {
        let url = format!("http://x{}", self.path());
        let url = url::Url::parse(&url).unwrap();
        let found = url.query_pairs().find(|(n, _)| n == name);
        found
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    }
}

/// What is written back after a request; nothing at all: it hangs up.
pub type Script = Vec<u8>;

pub fn answer(status: &str, body: &str) -> Script {
    answer_with(status, "", body)
}

pub fn answer_with(status: &str, headers: &str, body: &str) -> Script {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}Connection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

pub struct Provider {
    pub address: SocketAddr,
    heard: Receiver<Heard>,
}

impl Provider {
    /// Answers the requests in turn with these; the last one again and again.
    pub fn start(answers: Vec<Script>) -> Self {
        Self::at("127.0.0.1:0", answers)
    }

    pub fn at(address: &str, answers: Vec<Script>) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, heard) = channel();
        std::thread::spawn(move || {
            for (n, stream) in listener.incoming().enumerate() {
                let answer = &answers[n.min(answers.len() - 1)];
                let mut stream = stream.unwrap();
                if let Some(request) = read(&mut stream)
                    && tell.send(request).is_err()
                {
                    break;
                }
                let _ = stream.write_all(answer);
            }
        });
        Self { address, heard }
    }

    pub fn heard(&self) -> Heard {
        self.heard
            .recv_timeout(LONG)
            .expect("the provider was called")
    }

    pub fn heard_nothing(&self) -> bool {
        self.heard.try_recv().is_err()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn read(stream: &mut TcpStream) -> Option<Heard> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut lines = head.lines();
            let line = lines.next()?.to_owned();
            let headers: Vec<(String, String)> = lines
                .filter_map(|l| l.split_once(':'))
                .map(|(n, v)| (n.to_ascii_lowercase(), v.trim().to_owned()))
                .collect();
            let length = headers.iter().find(|(n, _)| n == "content-length");
            let length: usize = length.map_or(0, |(_, v)| v.parse().unwrap());
            let body = bytes.split_off(end + 4);
            if body.len() >= length {
                return Some(Heard {
                    line,
                    headers,
                    body,
                });
            }
            bytes.extend_from_slice(&body);
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}

/// Answers each name with the next of its answers; the last one again and again.
#[derive(Default)]
pub struct Scripted {
    pub answers: Mutex<Vec<Vec<IpAddr>>>,
    pub asked: Mutex<Vec<String>>,
}

impl Scripted {
    pub fn new(answers: &[&[&str]]) -> Arc<Self> {
        let of = |one: &&[&str]| one.iter().map(|a| a.parse().unwrap()).collect();
        Arc::new(Self {
            answers: Mutex::new(answers.iter().map(of).collect()),
            asked: Mutex::default(),
        })
    }
    pub fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Lookup for Scripted {
    fn addresses(&self, host: &str, _: u16) -> std::io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap().push(host.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let next = answers.first().cloned().unwrap_or_default();
        if answers.len() > 1 {
            answers.remove(0);
        }
        Ok(next)
    }
}

pub fn outbound(allow: &[&str]) -> Arc<Outbound> {
    outbound_by(allow, None, Scripted::new(&[]))
}

pub fn outbound_by(allow: &[&str], ca: Option<&Path>, lookup: Arc<Scripted>) -> Arc<Outbound> {
    let allow = AllowList::parse(allow).unwrap();
    Arc::new(Outbound::new(allow, ca, lookup).unwrap())
}

/// A way to this provider, as the operator's list permits it.
pub fn post(url: &str) -> Post {
    Post {
        name: "duty".into(),
        url: UrlSource::Plain(Target::parse(url).unwrap()),
        outbound: outbound(&["127.0.0.1"]),
        limit: Limit {
            messages: 20,
            per_s: 60,
        },
    }
}

pub fn secret(folder: &Path, text: &str) -> SecretFile {
    let path = folder.join("secret");
    std::fs::write(&path, format!("{text}\n")).unwrap();
    SecretFile::new(path)
}

pub fn message(to: &str) -> Message {
    Message {
        id: "out-7f3a".into(),
        to: to.into(),
        subject: "请立即到岗".into(),
        body: "一级事件 DEEP-HARBOUR，请在 15 分钟内确认。\n@all <at user_id=\"all\">x</at> <!channel>"
            .into(),
        link: Some("https://desk.example/calls/1".into()),
        possible_duplicate: false,
        exercise: false,
    }
}

/// What another implementation of the same rule says: a line of Python with its standard library.
pub fn python(script: &str, arguments: &[&str]) -> String {
    let output = Command::new("/usr/bin/python3")
        .args(["-c", script])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("python3 is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
