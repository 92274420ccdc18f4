//! The environment variables that lead a program to the emulator, in three spellings.

use std::io::{self, Write as _};
use std::path::Path;

use serde_json::{Map, Value};

use crate::emulator::Emulator;
use crate::world::{Credential, Flavour};

/// Names and values, in the order in which people read them.
pub type Variables = Vec<(&'static str, String)>;

/// What leads a program to `emulator`, with `schema` as the app's schema.
pub fn variables(emulator: &Emulator, schema: &str) -> Variables {
    let world = emulator.lakebase().world();
    let authority = emulator.authority_file().display().to_string();
    let mut variables = vec![("DATABRICKS_HOST", emulator.base_url().to_owned())];
    if let Some(sp) = world.app_principal() {
        let secret = sp.secret.as_ref().map_or("", Credential::expose);
        variables.push(("DATABRICKS_CLIENT_ID", sp.name.clone()));
        variables.push(("DATABRICKS_CLIENT_SECRET", secret.to_owned()));
    }
    variables.push(match world.flavour {
        Flavour::Provisioned => ("LAKEBASE_INSTANCE_NAME", world.instance.name.clone()),
        Flavour::Autoscaling => ("LAKEBASE_ENDPOINT", world.project.endpoint_path()),
    });
    variables.extend([
        ("POSTGRES_HOST", world.dns_name.clone()),
        ("POSTGRES_PORT", emulator.gate().port().to_string()),
        ("POSTGRES_DB", world.database.clone()),
        ("POSTGRES_DB_SCHEMA", schema.to_owned()),
        ("ENV", "PROD".to_owned()),
    ]);
    // Every family of clients has a name of its own for one file.
    for name in [
        "SSL_CERT_FILE",
        "PGSSLROOTCERT",
        "REQUESTS_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "CURL_CA_BUNDLE",
    ] {
        variables.push((name, authority.clone()));
    }
    let clock = emulator.lakebase().clock.file().display().to_string();
    variables.push(("LAKEGATE_CLOCK_FILE", clock));
    variables.push(("LAKEBASE_EMULATOR_ADMIN", emulator.admin_url()));
    if let Some(person) = world.administrator() {
        let token = person.access_token.as_ref().map_or("", Credential::expose);
        variables.push(("EMULATOR_ADMIN_USER", person.name.clone()));
        variables.push(("EMULATOR_ADMIN_TOKEN", token.to_owned()));
    }
    variables
}

/// Lines to paste into a shell.
pub fn shell(variables: &Variables) -> String {
    lines(variables, "export ")
}

/// One JSON object.
pub fn json(variables: &Variables) -> String {
    let object: Map<String, Value> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::String(value.clone())))
        .collect();
    Value::Object(object).to_string()
}

/// Writes a file for `set -a; . FILE`, readable by its owner only. It appears whole or not at all.
///
/// # Errors
/// When the file cannot be written.
pub fn write(variables: &Variables, path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut beside = tempfile::NamedTempFile::new_in(folder)?;
    beside.write_all(lines(variables, "").as_bytes())?;
    beside.persist(path)?;
    Ok(())
}

fn lines(variables: &Variables, before: &str) -> String {
    let line = |(name, value): &(&str, String)| {
        // Within single quotes a shell leaves everything alone but the quote itself.
        format!("{before}{name}='{}'\n", value.replace('\'', r"'\''"))
    };
    variables.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Variables {
        vec![("PLAIN", "https://localhost:1".to_owned()), ("HARD", "it's $HOME `x`\\".to_owned())]
    }

    #[test]
    fn a_shell_reads_back_what_was_meant() {
        let file = tempfile::tempdir().unwrap().keep().join("env");
        write(&sample(), &file).unwrap();
        let script = r#"set -a; . "$1"; printf '%s|%s' "$PLAIN" "$HARD""#;
        let output = std::process::Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(&file)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said, r"https://localhost:1|it's $HOME `x`\");
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
    }

    #[test]
    fn the_three_spellings() {
        let expected = "export PLAIN='https://localhost:1'\nexport HARD='it'\\''s $HOME `x`\\'\n";
        assert_eq!(shell(&sample()), expected);
        let expected = r#"{"HARD":"it's $HOME `x`\\","PLAIN":"https://localhost:1"}"#;
        assert_eq!(json(&sample()), expected);
    }
}
