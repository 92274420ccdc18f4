//! The connector of the core, as the tasks of one instance share it.

use std::rc::Rc;

use lakegate_core::bootstrap::admin::AdminPlan;
use lakegate_core::bootstrap::{Entry, Finding, Plan, Report};
use lakegate_core::edge::ServerError;
use lakegate_core::flow::admin::Mode;
use lakegate_core::flow::connector::{Connector, Ticket};
use lakegate_core::flow::gate::GateStatus;
use lakegate_core::flow::kept::Kept;
use lakegate_core::flow::preparation::{Admin, Grantees, Wish};
use lakegate_core::problem::Problem;
use lakegate_core::secret::Secret;

use crate::edge::Spin;
use crate::settings::Settings;
use crate::turns::shared;

/// The connector of the core: the same calls, each of which may be woken by another task.
pub(crate) struct Door(Connector<Spin>);

impl Door {
    pub(crate) fn new(settings: Rc<Settings>) -> Self {
        Self(Connector::new(Spin::new(settings)))
    }

    pub(crate) fn check(&self) -> Result<(), Problem> {
        self.0.check()
    }

    pub(crate) fn health(&self) -> Option<GateStatus> {
        self.0.health()
    }

    pub(crate) async fn kept(&self) -> Option<Kept> {
        shared(self.0.kept()).await
    }

    pub(crate) async fn current(&self) -> Result<Ticket, Problem> {
        shared(self.0.current()).await
    }

    pub(crate) async fn renewed(&self, after: u64) -> Result<Ticket, Problem> {
        shared(self.0.renewed(after)).await
    }

    pub(crate) async fn reveal(&self, generation: u64) -> Option<Secret> {
        shared(self.0.reveal(generation)).await
    }

    pub(crate) async fn refused(
        &self,
        generation: u64,
        error: &ServerError,
    ) -> Result<Ticket, Problem> {
        shared(self.0.refused(generation, error)).await
    }

    pub(crate) async fn plan(&self, wish: Wish) -> Result<Plan, Problem> {
        shared(self.0.plan(wish)).await
    }

    pub(crate) async fn apply(&self, wish: Wish) -> Result<Report, Problem> {
        shared(self.0.apply(wish)).await
    }

    pub(crate) async fn verify(&self, wish: Wish) -> Result<Vec<Finding>, Problem> {
        shared(self.0.verify(wish)).await
    }

    pub(crate) async fn write_down(
        &self,
        wish: Wish,
        entry: Entry,
        mode: Mode,
    ) -> Result<Plan, Problem> {
        shared(self.0.write_down(wish, entry, mode)).await
    }

    pub(crate) async fn setup(
        &self,
        grantees: Grantees<'_>,
        admin: Option<&Admin>,
        mode: Mode,
    ) -> Result<AdminPlan, Problem> {
        shared(self.0.setup(grantees, admin, mode)).await
    }

    pub(crate) async fn tighten(
        &self,
        roles: &[String],
        admin: Option<&Admin>,
        mode: Mode,
    ) -> Result<AdminPlan, Problem> {
        shared(self.0.tighten(roles, admin, mode)).await
    }
}
