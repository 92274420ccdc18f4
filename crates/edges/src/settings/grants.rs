//! `[grants]`, the one table of `lakegate.toml`: lists of roles, as the settings know them.

use anyhow::{Context, bail, ensure};

/// Its name.
pub(super) const TABLE: &str = "grants";

/// Each list as a setting.
pub(super) fn entries(lists: &toml::Table) -> anyhow::Result<Vec<(String, String)>> {
    lists.iter().map(|(who, roles)| entry(who, roles)).collect()
}

fn entry(who: &str, roles: &toml::Value) -> anyhow::Result<(String, String)> {
    let (name, flag) = match who {
        "readers" => ("LAKEGATE_READERS", "--reader"),
        "writers" => ("LAKEGATE_WRITERS", "--writer"),
        _ => bail!("`{TABLE}.{who}` is no list of roles; there are `readers` and `writers`"),
    };
    let roles = roles.as_array().map(|roles| roles.iter().map(toml::Value::as_str).collect());
    let roles: Option<Vec<&str>> = roles.unwrap_or_default();
    let roles = roles.with_context(|| format!("`{TABLE}.{who}` must be a list of names"))?;
    for role in &roles {
        ensure!(!role.is_empty(), "`{TABLE}.{who}` has an empty name");
        // Settings are texts, and commas part them.
        ensure!(
            !role.contains(',') && role.trim() == *role,
            "`{role}` of `{TABLE}.{who}` has a comma, or a blank at an end; use the flag {flag}"
        );
    }
    Ok((name.to_owned(), roles.join(",")))
}
