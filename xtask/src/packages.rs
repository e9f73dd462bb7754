//! The programs that the tests start, and how they get onto this machine: installed where we may
//! (root on Debian), else named, before anything is built.
//!
//! The database servers are for the tests alone. Debian's packages would make a cluster, start
//! the servers and have them start with the machine; here they make none and start nothing.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A package of Debian and the programs of it that the tests start; each is enough by any of its
/// names.
struct Need {
    package: &'static str,
    programs: &'static [&'static [&'static str]],
}

const NEEDS: &[Need] = &[
    Need {
        package: "postgresql",
        programs: &[&["postgres"], &["initdb"], &["psql"]],
    },
    Need {
        package: "mariadb-server",
        programs: &[
            &["mariadbd", "mysqld"],
            &["mariadb-install-db", "mysql_install_db"],
        ],
    },
    Need {
        package: "mariadb-client",
        programs: &[&["mariadb", "mysql"]],
    },
    Need {
        package: "openssl",
        programs: &[&["openssl"]],
    },
    Need {
        package: "nodejs",
        programs: &[&["node"]],
    },
    Need {
        package: "npm",
        programs: &[&["npm"]],
    },
    // A real SMTP server, and Python with it.
    Need {
        package: "python3-aiosmtpd",
        programs: &[&["aiosmtpd"]],
    },
    // Brings Schemathesis from the Python registry.
    Need {
        package: "python3-pip",
        programs: &[&["pip3", "pip"]],
    },
];

/// Keeps Debian's service scripts from starting anything while a package is installed; 101 is
/// their word for "forbidden by policy".
const NO_SERVICES: (&str, &str, u32) = ("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755);
const NO_CLUSTER: (&str, &str, u32) = (
    "/etc/postgresql-common/createcluster.d/balefire-tests.conf",
    "create_main_cluster = false\n",
    0o644,
);

/// Installs what is missing. `Err`: what is to be installed, for people.
pub fn make_ready() -> Result<(), String> {
    let missing = missing(&folders());
    if missing.is_empty() {
        return Ok(());
    }
    if !may_install() {
        return Err(advice(&missing));
    }
    println!("== apt-get install {}", missing.join(" "));
    let kept_down = (Placed::put(NO_SERVICES), Placed::put(NO_CLUSTER));
    apt(&["update"])?;
    let mut install = vec!["install", "-y", "--no-install-recommends"];
    install.extend(&missing);
    apt(&install)?;
    drop(kept_down);
    let still = self::missing(&folders());
    if still.is_empty() {
        Ok(())
    } else {
        Err(format!("installed, but not found: {}", still.join(" ")))
    }
}

fn advice(missing: &[&str]) -> String {
    let mut text = String::from("the tests start programs that are not on this machine:\n");
    for package in missing {
        let need = NEEDS.iter().find(|need| need.package == *package);
        let programs = need.map_or(&[][..], |need| need.programs);
        let names: Vec<String> = programs.iter().map(|names| names.join(" or ")).collect();
        let _ = writeln!(text, "  {package}: {}", names.join(", "));
    }
    let _ = write!(
        text,
        "install them first; on Debian and its kin:\n  \
         sudo apt-get install --no-install-recommends {}\n\
         (the tests start servers of their own and need no running one; `cargo test -p ROOM` \
         goes without those that ROOM does not start)",
        missing.join(" ")
    );
    text
}

fn missing(folders: &[PathBuf]) -> Vec<&'static str> {
    let there = |names: &&[&str]| {
        names
            .iter()
            .any(|name| folders.iter().any(|folder| folder.join(name).is_file()))
    };
    let lacking = |need: &&Need| !need.programs.iter().all(there);
    let needs = NEEDS.iter().filter(lacking);
    needs.map(|need| need.package).collect()
}

/// Where the tests look: `PATH`, where Debian keeps servers, and PostgreSQL's own folders.
fn folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter();
    let postgres = versions.flatten().flatten();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .chain(postgres.map(|version| version.path().join("bin")))
        .collect()
}

fn may_install() -> bool {
    let user = Command::new("id").arg("-u").output();
    user.is_ok_and(|user| user.stdout.trim_ascii() == b"0")
        && Path::new("/etc/debian_version").is_file()
        && Path::new("/usr/bin/apt-get").is_file()
}

fn apt(arguments: &[&str]) -> Result<(), String> {
    let status = Command::new("/usr/bin/apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("apt-get {}: {status}", arguments.join(" "))),
        Err(error) => Err(format!("apt-get cannot be started: {error}")),
    }
}

/// A file of the system's that is ours for a while; one that is there already is left alone.
struct Placed {
    path: Option<&'static Path>,
}

impl Placed {
    fn put((path, content, mode): (&'static str, &str, u32)) -> Self {
        use std::io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;
        let path = Path::new(path);
        if let Some(folder) = path.parent() {
            let _ = std::fs::create_dir_all(folder);
        }
        let mut options = std::fs::OpenOptions::new();
        let made = options.write(true).create_new(true).mode(mode).open(path);
        // Without it the packages start their servers, which no test needs and none minds.
        let written = made.and_then(|mut file| file.write_all(content.as_bytes()));
        Self {
            path: written.is_ok().then_some(path),
        }
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        if let Some(path) = self.path {
            let _ = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No room may need another's crate to make a throwaway folder for one test.
    fn folder_with(name: &str, programs: &[&str]) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("balefire-xtask-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for program in programs {
            std::fs::write(folder.join(program), "").unwrap();
        }
        folder
    }

    #[test]
    fn a_package_is_missing_until_all_its_programs_are_there() {
        let folder = folder_with(
            "some",
            &["postgres", "psql", "mysqld", "mariadb-install-db", "mysql"],
        );
        let found = missing(std::slice::from_ref(&folder));
        std::fs::remove_dir_all(&folder).unwrap();
        let expected = [
            "postgresql",
            "openssl",
            "nodejs",
            "npm",
            "python3-aiosmtpd",
            "python3-pip",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_advice_names_the_programs_and_the_line_to_type() {
        let text = advice(&["mariadb-server", "npm"]);
        assert!(text.contains("  mariadb-server: mariadbd or mysqld, mariadb-install-db or"));
        assert!(text.contains("apt-get install --no-install-recommends mariadb-server npm\n"));
    }
}
