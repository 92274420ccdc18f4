//! The first start of an application with many tables, and every later one.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::lakebase::{Lakebase, bought_by_hand, output};
use super::measured::{Measured, in_turns, nanoseconds, nanoseconds_of};
use super::table::{Aim, Row, Table, Unit};
use crate::workspace::Workspace;

/// An application: how many files of how many tables each, and how often its start is measured.
struct App {
    files: usize,
    tables_each: usize,
    rounds: usize,
}

const APPS: [App; 3] = [
    App { files: 30, tables_each: 1, rounds: 20 },
    App { files: 300, tables_each: 1, rounds: 10 },
    // Less than 1,000 files, which is the most that are taken.
    App { files: 300, tables_each: 10, rounds: 3 },
];

/// Later starts of each, in turns with another program's.
const LATER_STARTS: usize = 20;

/// Measures beside a local Lakebase; every start finds a new database there.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<Table> {
    let lakebase = Lakebase::open(workspace)?;
    let folder = workspace.target("bench/bootstrap");
    let mut rows = Vec::new();
    for app in &APPS {
        let files = Files::write(&folder, app)?;
        rows.extend(starts(&lakebase, app, &files)?);
    }
    Ok(Table { beside: "psql", rows })
}

/// The rows of one application.
fn starts(lakebase: &Lakebase, app: &App, files: &Files) -> anyhow::Result<[Row; 5]> {
    let tables = app.files * app.tables_each;
    let number = Cell::new(0);
    let new_database = || {
        let name = format!("app_{tables}_{}", number.replace(number.get() + 1));
        lakebase.create_database(&name).map(|()| name)
    };
    // By hand it takes a token and then `psql`; the latter is also looked at alone.
    let mut sql_alone = Vec::new();
    let (fresh, by_hand) = in_turns(
        app.rounds,
        || {
            let database = new_database()?;
            nanoseconds(1, || files.apply(lakebase, &database))
        },
        || {
            let database = new_database()?;
            let mut token = String::new();
            let buying = nanoseconds_of(1, || bought_by_hand().map(|bought| token = bought))?;
            let psql = nanoseconds(1, || files.apply_by_hand(lakebase, &database, &token))?;
            sql_alone.push(psql);
            Ok(buying + psql)
        },
    )?;
    sql_alone.remove(0); // Of the round that is not measured.

    let (ours, other, token) = (new_database()?, new_database()?, bought_by_hand()?);
    let trips = lakebase.round_trips(|| files.apply(lakebase, &ours))?;
    let trips_by_hand = lakebase.round_trips(|| files.apply_by_hand(lakebase, &other, &token))?;
    let later_trips = lakebase.round_trips(|| files.apply(lakebase, &ours))?;
    let (later, login) = in_turns(
        LATER_STARTS,
        || nanoseconds(1, || files.apply(lakebase, &ours)),
        || nanoseconds(1, || login_by_hand(lakebase, &other)),
    )?;
    let one = |count| Measured::new(vec![count]);
    Ok([
        Row {
            what: format!("{tables} tables, fresh, beside curl and psql"),
            unit: Unit::Nanoseconds,
            ours: fresh.clone(),
            beside: Some(by_hand),
            aims: &[Aim::Times(1.1)],
        },
        Row {
            what: "  beside psql alone, its token given".into(),
            unit: Unit::Nanoseconds,
            ours: fresh,
            beside: Some(Measured::new(sql_alone)),
            aims: &[],
        },
        Row {
            what: "  round trips".into(),
            unit: Unit::RoundTrips,
            ours: one(trips),
            beside: Some(one(trips_by_hand)),
            aims: &[Aim::AtMost(2.0)],
        },
        Row {
            what: "  nothing to do, beside a login by hand".into(),
            unit: Unit::Nanoseconds,
            ours: later,
            beside: Some(login),
            aims: &[],
        },
        Row {
            what: "  round trips".into(),
            unit: Unit::RoundTrips,
            ours: one(later_trips),
            beside: None,
            aims: &[Aim::AtMost(1.0)],
        },
    ])
}

/// The least that a start by hand can do.
fn login_by_hand(lakebase: &Lakebase, database: &str) -> anyhow::Result<()> {
    let mut psql = lakebase.psql(database, &bought_by_hand()?)?;
    output(psql.args(["--command", "SELECT 1"]))?;
    Ok(())
}

/// The migrations of an application, as files for `lakegate` and as one file for `psql`.
struct Files {
    migrations: PathBuf,
    one: PathBuf,
}

impl Files {
    /// Writes them in place of earlier ones.
    fn write(folder: &Path, app: &App) -> anyhow::Result<Self> {
        let files = Self { migrations: folder.join("migrations"), one: folder.join("all.sql") };
        files.fill(app).with_context(|| format!("writing below {}", folder.display()))?;
        Ok(files)
    }

    fn fill(&self, app: &App) -> std::io::Result<()> {
        if self.migrations.exists() {
            fs::remove_dir_all(&self.migrations)?;
        }
        fs::create_dir_all(&self.migrations)?;
        let mut all = "CREATE SCHEMA app_ontos;\nSET search_path TO app_ontos;\n".to_owned();
        for file in 1..=app.files {
            let sql: String = (1..=app.tables_each).map(|table| create(file, table)).collect();
            fs::write(self.migrations.join(format!("{file:04}_tables.sql")), &sql)?;
            all += &sql;
        }
        fs::write(&self.one, all)
    }

    fn apply(&self, lakebase: &Lakebase, database: &str) -> anyhow::Result<()> {
        let mut lakegate = lakebase.lakegate();
        lakegate.args(["--database", database, "bootstrap", "apply", "--migrations"]);
        output(lakegate.arg(&self.migrations))?;
        Ok(())
    }

    fn apply_by_hand(
        &self,
        lakebase: &Lakebase,
        database: &str,
        token: &str,
    ) -> anyhow::Result<()> {
        let mut psql = lakebase.psql(database, token)?;
        output(psql.args(["--single-transaction", "--file"]).arg(&self.one))?;
        Ok(())
    }
}

/// A table as applications have them.
fn create(file: usize, table: usize) -> String {
    format!(
        "CREATE TABLE t_{file}_{table} (\n  \
           id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n  \
           name text NOT NULL,\n  \
           created_at timestamptz NOT NULL DEFAULT now()\n\
         );\n"
    )
}
