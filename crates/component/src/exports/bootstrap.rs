//! The exports of `wit/bootstrap.wit`.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use lakegate_core::bootstrap::admin::AdminPlan;
use lakegate_core::bootstrap::{
    Access as CoreAccess, Entry, Finding as CoreFinding, Plan, Report as CoreReport,
    Verdict as CoreVerdict,
};
use lakegate_core::flow::admin::Mode;
use lakegate_core::flow::preparation::{Admin as CoreAdmin, Grantees as CoreGrantees, Wish};
use lakegate_core::secret::Secret;
use lakegate_core::sql::Ident;

use crate::bindings::exports::lakegate::connect::bootstrap::{
    Access, Admin, AdminReport, Changes, Desired, Finding, Grantees, Guest, Problem, Report, Step,
    Verdict,
};
use crate::{Component, connector};

impl Guest for Component {
    async fn plan(desired: Desired) -> Result<Changes, Problem> {
        Ok(changes(&connector().await.plan(wish(desired)).await?))
    }

    async fn apply(desired: Desired) -> Result<Report, Problem> {
        Ok(report(connector().await.apply(wish(desired)).await?))
    }

    async fn verify(desired: Desired) -> Result<Vec<Finding>, Problem> {
        let findings = connector().await.verify(wish(desired)).await?;
        Ok(findings
            .into_iter()
            .map(|CoreFinding { drift, text }| Finding { drift, text })
            .collect())
    }

    async fn baseline(
        desired: Desired,
        through: Option<i64>,
        plan_only: bool,
    ) -> Result<Changes, Problem> {
        let entry = Entry::Baseline { through };
        Ok(changes(&connector().await.write_down(wish(desired), entry, mode(plan_only)).await?))
    }

    async fn repair(
        desired: Desired,
        verdict: Option<Verdict>,
        plan_only: bool,
    ) -> Result<Changes, Problem> {
        let verdict = verdict.map(|verdict| match verdict {
            Verdict::Finished(version) => CoreVerdict::Finished(version),
            Verdict::Undone(version) => CoreVerdict::Undone(version),
        });
        let entry = Entry::Repair { verdict };
        Ok(changes(&connector().await.write_down(wish(desired), entry, mode(plan_only)).await?))
    }

    async fn setup(
        grantees: Grantees,
        admin: Option<Admin>,
        plan_only: bool,
    ) -> Result<AdminReport, Problem> {
        let grantees = match &grantees {
            Grantees::Roles(roles) => CoreGrantees::Roles(roles),
            Grantees::Everybody => CoreGrantees::Everybody,
        };
        let admin = admin.map(person);
        Ok(admin_report(connector().await.setup(grantees, admin.as_ref(), mode(plan_only)).await?))
    }

    async fn tighten(
        roles: Vec<String>,
        admin: Option<Admin>,
        plan_only: bool,
    ) -> Result<AdminReport, Problem> {
        let admin = admin.map(person);
        Ok(admin_report(connector().await.tighten(&roles, admin.as_ref(), mode(plan_only)).await?))
    }
}

fn wish(desired: Desired) -> Wish {
    let Desired { migrations, grants, out_of_order } = desired;
    let access = |access| match access {
        Access::Read => CoreAccess::Read,
        Access::Write => CoreAccess::Write,
    };
    Wish {
        migrations: migrations.into_iter().map(|file| (file.name, file.text)).collect(),
        grants: grants.into_iter().map(|grant| (grant.role, access(grant.access))).collect(),
        out_of_order,
    }
}

fn person(admin: Admin) -> CoreAdmin {
    CoreAdmin { user: admin.user, token: Secret::new(admin.token) }
}

fn mode(plan_only: bool) -> Mode {
    if plan_only { Mode::Plan } else { Mode::Apply }
}

fn changes(plan: &Plan) -> Changes {
    Changes {
        role: name(&plan.role),
        database: name(&plan.database),
        schema: name(&plan.schema),
        steps: plan
            .steps()
            .map(|(step, sql)| Step { title: step.title.clone(), sql: sql.to_owned() })
            .collect(),
        statements: plan.statements.iter().map(|statement| statement.sql.clone()).collect(),
        notes: plan.notes.clone(),
    }
}

fn report(report: CoreReport) -> Report {
    Report {
        role: name(&report.role),
        database: name(&report.database),
        schema: name(&report.schema),
        done: report.done,
        notes: report.notes,
        public_may_create: report.public_may_create,
        tighten_command: report.tighten_command,
        tighten_sql: report.tighten_sql,
    }
}

fn admin_report(plan: AdminPlan) -> AdminReport {
    AdminReport {
        steps: plan
            .steps
            .into_iter()
            .map(|step| Step { title: step.title, sql: step.sql })
            .collect(),
        remarks: plan.notes,
        obstacles: plan.obstacles,
    }
}

/// A name as people and programs know it, without the quotes of SQL.
fn name(ident: &Ident) -> String {
    ident.as_parameter().to_owned()
}
