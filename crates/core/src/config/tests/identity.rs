//! Which identity is chosen, as a table.

use super::*;

/// The identity, in one line.
#[track_caller]
fn check_identity(lines: &str, expected: &str) {
    let lines = format!("PGHOST=h.example|POSTGRES_DB=app|DATABRICKS_HOST=w.example|{lines}");
    let said = match Config::load(&Given::new(&lines)).map(|config| config.access) {
        Ok(Access::OAuth(access)) => match access.identity {
            Identity::Client { id, secret } => format!("client {} {}", id.value, place(&secret)),
            Identity::Token => "token".to_owned(),
            Identity::Cli => "cli".to_owned(),
            Identity::Federated { client, token, audience } => {
                let token = match token {
                    IdToken::Stored(source) => place(&source),
                    IdToken::GitHub { url } => url.value,
                };
                let plain = |it: Option<Sourced<String>>| it.map_or("-".to_owned(), |it| it.value);
                format!("federated {} {token} {}", plain(client), plain(audience))
            }
            Identity::Profile { name, file, auth_type } => format!(
                "profile {} {} {}",
                name.map_or("-".to_owned(), |it| it.value),
                file.value,
                auth_type.map_or("-", AuthType::name)
            ),
        },
        Ok(Access::Password(_)) => "password".to_owned(),
        Err(error) => error.to_string(),
    };
    assert_eq!(said, expected, "{lines}");
}

fn place(source: &SecretSource) -> String {
    match source {
        SecretSource::Setting(name) => name.clone(),
        SecretSource::File(file) => file.value.clone(),
    }
}

#[test]
fn chooses_the_identity() {
    const ID: &str = "DATABRICKS_CLIENT_ID=me";
    const SECRET: &str = "secret DATABRICKS_CLIENT_SECRET";
    const TOKEN: &str = "secret DATABRICKS_TOKEN";
    const GITHUB: &str =
        "ACTIONS_ID_TOKEN_REQUEST_URL=https://g.example/?a=b|secret ACTIONS_ID_TOKEN_REQUEST_TOKEN";
    const FILE: &str = "exists ~/.databrickscfg";
    let check = |parts: &[&str], expected| check_identity(&parts.join("|"), expected);

    check(&[ID, SECRET], "client me DATABRICKS_CLIENT_SECRET");
    check(&[ID, "DATABRICKS_CLIENT_SECRET_FILE=/s"], "client me /s");
    check(&[TOKEN], "token");
    check(&[ID, TOKEN], "token"); // The id alone is nobody's credential.
    check(&["secret DATABRICKS_OIDC_TOKEN", ID], "federated me DATABRICKS_OIDC_TOKEN -");
    check(&["DATABRICKS_OIDC_TOKEN_ENV=MINE|secret MINE"], "federated - MINE -");
    check(&["DATABRICKS_OIDC_TOKEN_FILE=/t", "DATABRICKS_TOKEN_AUDIENCE=a"], "federated - /t a");
    check(&[GITHUB, ID], "federated me https://g.example/?a=b -");
    check(&[GITHUB, ID, SECRET], "client me DATABRICKS_CLIENT_SECRET");
    check(&[FILE], "profile - ~/.databrickscfg -");
    check(&[FILE, TOKEN], "token"); // A file that merely exists does not compete.
    check(&["DATABRICKS_CONFIG_PROFILE=p"], "profile p ~/.databrickscfg -");
    check(&["DATABRICKS_CONFIG_FILE=/c|exists /c"], "profile - /c -");

    // More than one.
    check(
        &[ID, SECRET, TOKEN],
        "only one may be set: DATABRICKS_CLIENT_ID with DATABRICKS_CLIENT_SECRET and DATABRICKS_TOKEN",
    );
    check(
        &[TOKEN, "DATABRICKS_CONFIG_PROFILE=p"],
        "only one may be set: DATABRICKS_TOKEN and DATABRICKS_CONFIG_PROFILE",
    );
    check(
        &[ID, SECRET, "DATABRICKS_CLIENT_SECRET_FILE=/s"],
        "only one may be set: DATABRICKS_CLIENT_SECRET and DATABRICKS_CLIENT_SECRET_FILE",
    );
    check(&[ID, SECRET, TOKEN, "DATABRICKS_AUTH_TYPE=pat"], "token");
    check(
        &[ID, SECRET, TOKEN, "DATABRICKS_AUTH_TYPE=OAuth-M2M"],
        "client me DATABRICKS_CLIENT_SECRET",
    );
    check(
        &[TOKEN, "DATABRICKS_CONFIG_PROFILE=p", "DATABRICKS_AUTH_TYPE=profile"],
        "profile p ~/.databrickscfg -",
    );
    check(
        &["DATABRICKS_CONFIG_PROFILE=p", "DATABRICKS_AUTH_TYPE=pat"],
        "profile p ~/.databrickscfg pat",
    );
    check(
        &[GITHUB, TOKEN, "DATABRICKS_AUTH_TYPE=github-oidc"],
        "federated - https://g.example/?a=b -",
    );

    // The login of the Databricks CLI is used when somebody asks for it, and never else.
    const CLI: &str = "DATABRICKS_AUTH_TYPE=databricks-cli";
    check(&[CLI], "cli");
    check(&[CLI, ID, SECRET, TOKEN, FILE], "cli");
    check(&[CLI, "DATABRICKS_CONFIG_PROFILE=p"], "profile p ~/.databrickscfg databricks-cli");

    // Not enough.
    check(&[ID], "DATABRICKS_CLIENT_ID is set, but DATABRICKS_CLIENT_SECRET is not");
    check(&[SECRET], "DATABRICKS_CLIENT_SECRET is set, but DATABRICKS_CLIENT_ID is not");
    check(&[""], "an identity (DATABRICKS_CLIENT_ID, DATABRICKS_TOKEN, …) is not set");
    check(
        &["DATABRICKS_AUTH_TYPE=file-oidc", TOKEN],
        "DATABRICKS_AUTH_TYPE is set, but DATABRICKS_OIDC_TOKEN_FILEPATH is not",
    );
    check(
        &["DATABRICKS_AUTH_TYPE=azure-cli", TOKEN],
        "DATABRICKS_AUTH_TYPE (environment) is `azure-cli`: Lakegate does not know this kind of \
         identity",
    );
    check(
        &["DATABRICKS_OIDC_TOKEN_ENV=MINE", TOKEN],
        "DATABRICKS_OIDC_TOKEN_ENV (environment) is `MINE`: no secret of that name is set",
    );
}
