//! `init` and `config check`.

use super::owner::{config, config_path, folder};
use crate::Done;
use crate::arguments::Arguments;
use crate::console::Console;
use std::fs;
use std::process::ExitCode;

/// The commented configuration that `init` writes.
const TEMPLATE: &str = include_str!("../../balefire.toml");

pub fn run(arguments: &Arguments, force: bool, console: &Console) -> Done {
    let path = config_path(arguments);
    if path.exists() && !force {
        return Err(console
            .text(
                "cli-init-exists",
                &[("path", path.display().to_string().into())],
            )
            .into());
    }
    fs::create_dir_all(folder(arguments).root())?;
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(&path, TEMPLATE)?;
    if console.json {
        console.object(&serde_json::json!({ "config": path }))?;
    } else {
        console.say(
            "cli-init-done",
            &[("path", path.display().to_string().into())],
        );
    }
    Ok(ExitCode::SUCCESS)
}

pub fn check(arguments: &Arguments, console: &Console) -> Done {
    let config = config(arguments)?;
    // The file is good even so: a desk opens without a secret, and tells when it sends.
    let warnings = desk::channels::warnings(&config);
    for warning in &warnings {
        console.advice(warning);
    }
    if console.json {
        console.object(&serde_json::json!({
            "sources": config.source.len(),
            "channels": config.channel.len(),
            "warnings": warnings,
        }))?;
    } else {
        console.say(
            "cli-config-good",
            &[("sources", config.source.len().into())],
        );
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_template_reads_and_names_a_source() {
        let config = desk::config::Config::parse(super::TEMPLATE).unwrap();
        assert_eq!(config.source.len(), 1);
        assert!(!config.source[0].table.is_empty());
    }
}
