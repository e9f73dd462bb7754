//! A certificate authority and a server certificate for loopback, made with `openssl`.

use crate::server::{ask, find_programs, missing, plain_command};
use std::path::{Path, PathBuf};

/// Paths of PEM files.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The authority's certificate, which a client is told to trust.
    pub ca: PathBuf,
    /// The server's, for `localhost` and `127.0.0.1`.
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Makes them in this folder, valid for ten days. Each call makes another authority: take two to
/// test that a stranger's is refused.
pub fn certificates(folder: &Path) -> Certificates {
    let made = Certificates {
        ca: folder.join("ca.pem"),
        certificate: folder.join("server.pem"),
        key: folder.join("server.key"),
    };
    let extensions = folder.join("server.ext");
    let server = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n\
                  extendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n";
    std::fs::write(&extensions, server).expect("the folder can be written");
    openssl(
        folder,
        &words(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -sha256 -days 10 \
                -keyout ca.key -out ca.pem -subj /CN=balefire-test-ca \
                -addext basicConstraints=critical,CA:TRUE \
                -addext keyUsage=critical,keyCertSign,cRLSign",
        ),
    );
    openssl(
        folder,
        &words(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -sha256 \
                -keyout server.key -out server.csr -subj /CN=localhost",
        ),
    );
    openssl(
        folder,
        &words(
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -sha256 \
                -days 10 -extfile server.ext -out server.pem",
        ),
    );
    made
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let found = find_programs(&[], &["openssl"]).unwrap_or_else(|| missing("openssl"));
    let mut command = plain_command(&found[0]);
    command.args(arguments).current_dir(folder);
    if let Err(said) = ask(command, "").result() {
        panic!("openssl {}: {said}", arguments.join(" "));
    }
}
