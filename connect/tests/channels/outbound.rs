//! The client refuses what lies inside, and no connection is tried.

use crate::provider::{LONG, Provider, Scripted, answer, answer_with, outbound_by};
use connect::outbound::{Answer, Method, Outbound, OutboundError, Request, Target};
use std::io::Write as _;
use std::net::{TcpListener, UdpSocket};
use std::time::Instant;

fn get(outbound: &Outbound, url: &str) -> Result<Answer, OutboundError> {
    outbound.send(Request {
        method: Method::Get,
        target: &Target::parse(url)?,
        headers: Vec::new(),
        body: Vec::new(),
    })
}

/// `{}` is the port of a canary that listens on every address of this machine.
const BAD: [&str; 62] = [
    // Loopback in every spelling.
    "http://127.0.0.1:{}/",
    "https://127.0.0.1:{}/",
    "https://127.1:{}/",
    "https://127.0.1:{}/",
    "https://2130706433:{}/",
    "https://0x7f000001:{}/",
    "https://0x7f.0x0.0x0.0x1:{}/",
    "https://0177.0.0.1:{}/",
    "https://017700000001:{}/",
    "https://127.0.0.1.:{}/",
    "https://127.255.255.254:{}/",
    "https://①②⑦.⓪.⓪.①:{}/",
    "https://127。0。0。1:{}/",
    "https://%31%32%37.0.0.1:{}/",
    "https://0:{}/",
    "https://0.0.0.0:{}/",
    "https://0x0:{}/",
    "https://[::1]:{}/",
    "https://[0:0:0:0:0:0:0:1]:{}/",
    "https://[::]:{}/",
    "https://[::ffff:127.0.0.1]:{}/",
    "https://[::ffff:7f00:1]:{}/",
    "https://[::127.0.0.1]:{}/",
    "https://[64:ff9b::7f00:1]:{}/",
    "https://[2002:7f00:1::]:{}/",
    // Private networks, metadata, and the rest of the reserved space.
    "https://10.0.0.1:{}/",
    "https://10.255.255.255/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "http://169.254.169.254/latest/meta-data/",
    "https://2852039166/latest/meta-data/",
    "https://0xa9fea9fe/",
    "https://0251.0376.0251.0376/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://100.100.100.200/latest/meta-data/",
    "https://168.63.129.16/",
    "https://192.0.0.192/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[fc00::1]/",
    "https://[fd12:3456::1]/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://224.0.0.1/",
    "https://239.255.255.250/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    // Names that lead there.
    "https://localhost:{}/",
    "https://LOCALHOST:{}/",
    "https://localhost.:{}/",
    "https://127.0.0.1.nip.example:{}/",
    "https://hooks.example:{}/",
    "https://metadata.google.internal:{}/",
];

const MALFORMED: [&str; 22] = [
    "",
    "hooks.example/x",
    "//hooks.example/x",
    "file:///etc/passwd",
    "ftp://hooks.example/",
    "gopher://hooks.example/",
    "dict://hooks.example/",
    "javascript:alert(1)",
    "data:text/plain,x",
    "unix:/run/docker.sock",
    "https://",
    "https:///x",
    "https://user@hooks.example/",
    "https://user:secret@hooks.example/",
    "https://@hooks.example/",
    "https://good.example\\@127.0.0.1/",
    "https://good.example@127.0.0.1/",
    "https://hooks.example/#f",
    "https://hooks.example:0/",
    "https://hooks.example/a b",
    "https://hooks.example/\r\nHost: x",
    "https://[::1/",
];

#[test]
fn no_spelling_of_an_inward_address_is_connected_to() {
    let canaries = [TcpListener::bind("0.0.0.0:0").unwrap()];
    let port = canaries[0].local_addr().unwrap().port();
    let v6 = TcpListener::bind(("::1", port)).ok();
    let canaries: Vec<TcpListener> = canaries.into_iter().chain(v6).collect();
    for canary in &canaries {
        canary.set_nonblocking(true).unwrap();
    }
    for bad in BAD {
        let url = bad.replace("{}", &port.to_string());
        // Every name leads to this machine.
        let lookup = Scripted::new(&[&["127.0.0.1"]]);
        let outbound = outbound_by(&["hooks.corp.example", "10.9.0.0/16"], None, lookup);
        let outcome = get(&outbound, &url);
        assert!(
            matches!(outcome, Err(OutboundError::Inward { .. })),
            "{url}: {outcome:?}"
        );
    }
    for canary in &canaries {
        let accepted = canary.accept().map(|_| ());
        assert!(accepted.is_err(), "somebody connected to the canary");
    }
}

#[test]
fn what_is_no_plain_web_address_is_refused_before_anything_is_looked_up() {
    for bad in MALFORMED {
        let outcome = Target::parse(bad);
        assert!(
            matches!(outcome, Err(OutboundError::Address { .. })),
            "{bad}: {outcome:?}"
        );
    }
    let long = format!("https://hooks.example/{}", "a".repeat(2_048));
    assert!(Target::parse(&long).is_err());
}

#[test]
fn an_answer_that_changes_is_asked_for_once_and_judged_each_time() {
    let provider = Provider::start(vec![answer("200 OK", "fine")]);
    let port = provider.address.port();
    let canary = TcpListener::bind(("127.0.0.2", port)).unwrap();
    canary.set_nonblocking(true).unwrap();
    // First the honest address, from then on one that is not on the list.
    let lookup = Scripted::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let outbound = outbound_by(&["127.0.0.1/32"], None, lookup.clone());
    let listed = outbound_by(&["hooks.example", "127.0.0.1/32"], None, lookup.clone());
    let url = format!("http://hooks.example:{port}/");
    // The name is on no list, so plain http is refused before a look-up.
    assert!(matches!(get(&outbound, &url), Err(OutboundError::Plain)));
    assert_eq!(lookup.asked(), 0);
    assert_eq!(get(&listed, &url).unwrap().body, b"fine");
    assert_eq!(lookup.asked(), 1, "looked up once for the whole request");
    provider.heard();
    let https = format!("https://hooks.example:{port}/");
    let second = get(&outbound, &https);
    assert!(
        matches!(second, Err(OutboundError::Inward { .. })),
        "{second:?}"
    );
    assert_eq!(lookup.asked(), 2);
    assert!(canary.accept().is_err());
}

#[test]
fn one_bad_address_among_good_ones_spoils_the_answer() {
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = canary.local_addr().unwrap().port();
    canary.set_nonblocking(true).unwrap();
    for answers in [
        &["127.0.0.2", "169.254.169.254"],
        &["169.254.169.254", "127.0.0.2"],
    ] {
        let lookup = Scripted::new(&[answers]);
        // The name is allowed, which opens private addresses but never metadata.
        let outbound = outbound_by(&["hooks.example"], None, lookup);
        let outcome = get(&outbound, &format!("http://hooks.example:{port}/"));
        assert!(
            matches!(outcome, Err(OutboundError::Inward { .. })),
            "{outcome:?}"
        );
    }
    assert!(canary.accept().is_err());
}

#[test]
fn a_redirect_is_an_answer_and_nothing_is_followed() {
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let to = canary.local_addr().unwrap();
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary",
        "308 Permanent",
    ] {
        let location = format!("Location: http://{to}/secret\r\n");
        let provider = Provider::start(vec![answer_with(status, &location, "")]);
        let outbound = outbound_by(&["127.0.0.1"], None, Scripted::new(&[]));
        let answer = get(&outbound, &provider.url("/")).unwrap();
        assert_eq!(answer.status.to_string(), status[..3]);
    }
    assert!(canary.accept().is_err());
}

#[test]
fn an_endless_answer_is_cut_and_a_dripping_one_ends_in_time() {
    let endless = answer("200 OK", &"x".repeat(1_000_000));
    let provider = Provider::start(vec![endless]);
    let outbound = outbound_by(&["127.0.0.1"], None, Scripted::new(&[]));
    assert_eq!(
        get(&outbound, &provider.url("/")).unwrap().body.len(),
        65_536
    );
    // A header that never ends is no answer.
    let provider = Provider::start(vec![
        [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 100_000]].concat(),
    ]);
    assert!(matches!(
        get(&outbound, &provider.url("/")),
        Err(OutboundError::Answer)
    ));
}

/// Sixteen seconds of a test's time buy the promise that no provider can hold up a call-out.
#[test]
fn a_provider_that_says_one_byte_a_second_is_left_after_fifteen() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        // A socket that nobody writes to is a clock that may be waited on.
        let clock = UdpSocket::bind("127.0.0.1:0").unwrap();
        clock
            .set_read_timeout(Some(std::time::Duration::from_secs(1)))
            .unwrap();
        while stream.write_all(b"x").is_ok() {
            let _ = clock.recv(&mut [0; 1]);
        }
    });
    let outbound = outbound_by(&["127.0.0.1"], None, Scripted::new(&[]));
    let begun = Instant::now();
    let outcome = get(&outbound, &format!("http://{address}/"));
    assert!(
        matches!(outcome, Err(OutboundError::TimeOut)),
        "{outcome:?}"
    );
    assert!(begun.elapsed() < LONG);
}

#[test]
fn no_error_and_no_debug_text_shows_the_url() {
    let url = "https://127.0.0.1:9/services/T0SECRET/B0SECRET?key=SECRETKEY";
    let target = Target::parse(url).unwrap();
    let outbound = outbound_by(&["127.0.0.1"], None, Scripted::new(&[]));
    let error = get(&outbound, url).unwrap_err();
    let mut shown = format!("{target:?} {error} {error:?}");
    let mut cause = std::error::Error::source(&error);
    while let Some(source) = cause {
        shown.push_str(&source.to_string());
        cause = source.source();
    }
    assert!(!shown.contains("SECRET"), "{shown}");
    assert!(shown.contains("127.0.0.1"));
}

#[test]
fn a_strangers_certificate_is_refused_and_the_own_authoritys_taken() {
    let ours = tempfile::tempdir().unwrap();
    let theirs = tempfile::tempdir().unwrap();
    let certificates = testkit::certificates(ours.path());
    let stranger = testkit::certificates(theirs.path());
    let server = openssl_server(&certificates);
    let url = format!("https://localhost:{}/", server.1);
    let lookup = || Scripted::new(&[&["127.0.0.1"]]);
    let trusting = outbound_by(&["localhost"], Some(&certificates.ca), lookup());
    assert_eq!(get(&trusting, &url).unwrap().status, 200);
    for ca in [Some(stranger.ca.as_path()), None] {
        let wary = outbound_by(&["localhost"], ca, lookup());
        let outcome = get(&wary, &url);
        assert!(matches!(outcome, Err(OutboundError::Tls(_))), "{outcome:?}");
    }
    // The right authority, but the certificate is for another name.
    let other = outbound_by(&["hooks.example"], Some(&certificates.ca), lookup());
    let outcome = get(&other, &url.replace("localhost", "hooks.example"));
    assert!(matches!(outcome, Err(OutboundError::Tls(_))), "{outcome:?}");
}

/// OpenSSL's own web server, with its port.
fn openssl_server(certificates: &testkit::Certificates) -> (testkit::Running, u16) {
    let path = std::path::Path::new("/usr/bin/openssl");
    let running = testkit::Program::at(path)
        .args([
            "s_server",
            "-www",
            "-accept",
            "127.0.0.1:0",
            "-naccept",
            "20",
        ])
        .args(["-cert".as_ref(), certificates.certificate.as_os_str()])
        .args(["-key".as_ref(), certificates.key.as_os_str()])
        .start();
    let line = running.wait_for_line(|line| line.starts_with("ACCEPT 127.0.0.1:"), LONG);
    let port = line.rsplit(':').next().unwrap().trim().parse().unwrap();
    (running, port)
}
