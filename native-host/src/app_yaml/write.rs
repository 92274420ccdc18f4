//! Writes an `app.yaml`.

use std::fmt::Write;

use super::kind::Kind;

/// How `lakegate` is started in an app: its file is too large for an app's folder, so that a script
/// unpacks it first (see `deploy/databricks-app/`). Files there need not be executable.
const LAKEGATE: [&str; 2] = ["sh", "lakegate.sh"];

/// What to write.
pub(crate) struct App<'a> {
    /// The kind of Lakebase.
    pub(crate) kind: Kind,
    /// The key of the app's resource.
    pub(crate) key: &'a str,
    /// The server's port.
    pub(crate) port: &'a str,
    /// The database.
    pub(crate) database: &'a str,
    /// The app's schema.
    pub(crate) schema: &'a str,
    /// Whether `lakegate run` applies migrations first.
    pub(crate) bootstrap: bool,
    /// The program and its arguments; without any, the file has no command.
    pub(crate) command: &'a [String],
}

/// The text of the file.
pub(crate) fn write(app: &App<'_>) -> String {
    let mut text = format!(
        "\
# A Databricks App with Lakebase. After a change: `lakegate app-yaml --check`
#
# The database is a resource of the app, with the key {key}. A change here, or to the
# resources, reaches the app with its next deployment: a restart is not enough.
",
        key = quoted(app.key)
    );
    command(app, &mut text);
    text.push_str("\nenv:\n");
    server(app, &mut text);
    value("POSTGRES_PORT", app.port, &mut text);
    text.push_str("  # POSTGRES_USER is not set: the user is the app's service principal, found at run time\n");
    value("POSTGRES_DB", app.database, &mut text);
    value("POSTGRES_DB_SCHEMA", app.schema, &mut text);
    value("ENV", "PROD", &mut text);
    text.pop();
    text.push_str("  # log in with OAuth tokens; LOCAL would mean a password\n");
    text
}

fn command(app: &App<'_>, text: &mut String) {
    if app.command.is_empty() {
        return;
    }
    let mut words = LAKEGATE.to_vec();
    words.push("run");
    words.extend(app.bootstrap.then_some("--bootstrap"));
    words.push("--");
    words.extend(app.command.iter().map(String::as_str));
    let words: Vec<_> = words.into_iter().map(quoted).collect();
    let _ = writeln!(text, "\ncommand: [{}]", words.join(", "));
}

fn server(app: &App<'_>, text: &mut String) {
    let yields = match app.kind {
        Kind::Provisioned => "yields the host of the instance",
        Kind::Autoscaling => "yields the path of the endpoint",
    };
    let (name, key) = (quoted(app.kind.variable()), quoted(app.key));
    let _ =
        writeln!(text, "  - name: {name}\n    valueFrom: {key}  # the resource's key; {yields}");
}

fn value(name: &str, value: &str, text: &mut String) {
    let _ = writeln!(text, "  - name: {}\n    value: {}", quoted(name), quoted(value));
}

/// A text in double quotes, as every version of YAML reads it back.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            // Breaks of lines, in some version or other, and what a reader may refuse.
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                escape(character, &mut quoted)
            }
            _ if character.is_control() => escape(character, &mut quoted),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

fn escape(character: char, quoted: &mut String) {
    let _ = write!(quoted, "\\u{:04x}", u32::from(character));
}

#[cfg(test)]
mod tests {
    use super::super::shape::value_of;
    use super::super::{Expected, check};
    use super::*;

    const PROVISIONED: App<'_> = App {
        kind: Kind::Provisioned,
        key: "database",
        port: "5432",
        database: "app_ontos",
        schema: "ontos",
        bootstrap: false,
        command: &[],
    };

    #[track_caller]
    fn written(app: &App<'_>, expected: &str) {
        let text = write(app);
        assert_eq!(text, expected);
        passes(&text, app);
    }

    #[track_caller]
    fn passes(text: &str, app: &App<'_>) {
        assert_eq!(
            check(text, &Expected { kind: Some(app.kind), key: Some(app.key) }),
            [],
            "{text}"
        );
    }

    #[test]
    fn a_provisioned_instance_is_found_by_its_host() {
        let command = ["python", "app.py"].map(str::to_owned);
        let app = App { bootstrap: true, command: &command, ..PROVISIONED };
        written(
            &app,
            r#"# A Databricks App with Lakebase. After a change: `lakegate app-yaml --check`
#
# The database is a resource of the app, with the key "database". A change here, or to the
# resources, reaches the app with its next deployment: a restart is not enough.

command: ["sh", "lakegate.sh", "run", "--bootstrap", "--", "python", "app.py"]

env:
  - name: "POSTGRES_HOST"
    valueFrom: "database"  # the resource's key; yields the host of the instance
  - name: "POSTGRES_PORT"
    value: "5432"
  # POSTGRES_USER is not set: the user is the app's service principal, found at run time
  - name: "POSTGRES_DB"
    value: "app_ontos"
  - name: "POSTGRES_DB_SCHEMA"
    value: "ontos"
  - name: "ENV"
    value: "PROD"  # log in with OAuth tokens; LOCAL would mean a password
"#,
        );
    }

    #[test]
    fn an_autoscaling_project_is_found_by_its_endpoint() {
        let app = App { kind: Kind::Autoscaling, key: "postgres", ..PROVISIONED };
        written(
            &app,
            r#"# A Databricks App with Lakebase. After a change: `lakegate app-yaml --check`
#
# The database is a resource of the app, with the key "postgres". A change here, or to the
# resources, reaches the app with its next deployment: a restart is not enough.

env:
  - name: "LAKEBASE_ENDPOINT"
    valueFrom: "postgres"  # the resource's key; yields the path of the endpoint
  - name: "POSTGRES_PORT"
    value: "5432"
  # POSTGRES_USER is not set: the user is the app's service principal, found at run time
  - name: "POSTGRES_DB"
    value: "app_ontos"
  - name: "POSTGRES_DB_SCHEMA"
    value: "ontos"
  - name: "ENV"
    value: "PROD"  # log in with OAuth tokens; LOCAL would mean a password
"#,
        );
    }

    #[test]
    fn any_name_comes_back_as_it_was() {
        for name in [
            "it's \"mine\"",
            "a\\b",
            "# no comment",
            "{a: b}",
            "two\nlines\r\n",
            "tab\t",
            "\u{7f}\u{85}\u{2028}\u{feff}",
            " blanks ",
            "é💧",
            "5432",
            "*alias",
            "'",
        ] {
            let command = [name.to_owned()];
            let app =
                App { database: name, schema: name, key: name, command: &command, ..PROVISIONED };
            let text = write(&app);
            passes(&text, &app);
            assert_eq!(value_of(&text, "POSTGRES_DB").as_deref(), Some(name));
        }
    }
}
