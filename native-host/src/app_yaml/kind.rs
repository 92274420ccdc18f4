//! The two kinds of Lakebase. What a resource yields to an app depends on its kind, though the line
//! in `app.yaml` looks the same.

/// Which kind of Lakebase an app is attached to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// A Provisioned instance: it has a name and a host.
    Provisioned,
    /// An Autoscaling project: its endpoints have paths.
    Autoscaling,
}

impl Kind {
    /// The kind that settings tell, asked for by their names; `None` if they do not tell.
    pub(crate) fn told(setting: impl Fn(&[&str]) -> Option<String>) -> Option<Self> {
        if setting(&["LAKEBASE_ENDPOINT"]).is_some() {
            return Some(Self::Autoscaling);
        }
        if setting(&["LAKEBASE_INSTANCE_NAME"]).is_some() {
            return Some(Self::Provisioned);
        }
        let host = setting(&["POSTGRES_HOST", "PGHOST"])?;
        // Databricks gives these names; under others, such as a private link's, both kinds may be.
        if host.starts_with("projects/") || host.starts_with("ep-") {
            Some(Self::Autoscaling)
        } else {
            host.starts_with("instance-").then_some(Self::Provisioned)
        }
    }

    /// The key that Databricks gives such a resource when nobody chooses another.
    pub(crate) fn usual_key(self) -> &'static str {
        match self {
            Self::Provisioned => "database",
            Self::Autoscaling => "postgres",
        }
    }

    /// The variable that takes what such a resource yields.
    pub(super) fn variable(self) -> &'static str {
        match self {
            Self::Provisioned => "POSTGRES_HOST",
            Self::Autoscaling => "LAKEBASE_ENDPOINT",
        }
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::Provisioned => Self::Autoscaling,
            Self::Autoscaling => Self::Provisioned,
        }
    }

    /// With its article, as a person says it.
    pub(super) fn named(self) -> &'static str {
        match self {
            Self::Provisioned => "a Provisioned instance",
            Self::Autoscaling => "an Autoscaling project",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(settings: &[(&str, &str)], expected: Option<Kind>) {
        let value = |name: &&str| settings.iter().find(|(own, _)| own == name);
        let setting = |names: &[&str]| names.iter().find_map(value).map(|found| found.1.to_owned());
        assert_eq!(Kind::told(setting), expected, "{settings:?}");
    }

    #[test]
    fn settings_tell_the_kind() {
        check(&[], None);
        check(
            &[("LAKEBASE_ENDPOINT", "projects/p/branches/b/endpoints/e")],
            Some(Kind::Autoscaling),
        );
        check(&[("POSTGRES_HOST", "projects/p/branches/b/endpoints/e")], Some(Kind::Autoscaling));
        check(&[("PGHOST", "ep-cool-1.database.example")], Some(Kind::Autoscaling));
        check(&[("LAKEBASE_INSTANCE_NAME", "orders")], Some(Kind::Provisioned));
        check(&[("POSTGRES_HOST", "instance-1.database.example")], Some(Kind::Provisioned));
        check(&[("POSTGRES_HOST", "lakebase.internal.example")], None);
    }
}
