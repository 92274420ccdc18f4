"""databricks-sdk's `postgres`: projects, roles, databases, operations, credentials, and logins."""

import os
import time

import psycopg
from databricks.sdk import WorkspaceClient, errors
from databricks.sdk.common.types.fieldmask import FieldMask
from databricks.sdk.service.postgres import (
    Database,
    DatabaseDatabaseSpec,
    EndpointStatusState,
    Role,
    RoleAttributes,
    RoleAuthMethod,
    RoleIdentityType,
    RoleMembershipRole,
    RoleRoleSpec,
)
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from emulator import connect, newcomer, requests, tell
from suite import equal, fails, promise, run

CLIENT_ID = os.environ["DATABRICKS_CLIENT_ID"]
ENDPOINT = os.environ["LAKEBASE_ENDPOINT"]
BRANCH = ENDPOINT.rsplit("/endpoints/", 1)[0]
PROJECT = BRANCH.rsplit("/branches/", 1)[0]
API = "/api/2.0/postgres"

client = WorkspaceClient()
admin = WorkspaceClient(token=os.environ["ADMIN_TOKEN"], auth_type="pat")


def credential(of=client, **more):
    """A database credential."""
    return of.postgres.generate_database_credential(ENDPOINT, **more)


def role(name, **more):
    """A role, as a request describes it."""
    return Role(spec=RoleRoleSpec(postgres_role=name, **more))


def principal(name, **more):
    """The role of a service principal, as a request describes it."""
    return role(name, identity_type=RoleIdentityType.SERVICE_PRINCIPAL, **more)


@promise("from the app to its branch, to its endpoint, to a login")
def _():
    resource = client.apps.get(os.environ["APP"]).resources[0].postgres
    equal(resource.branch, BRANCH)
    first = next(iter(client.postgres.list_endpoints(parent=resource.branch)))
    equal(first.name, ENDPOINT)
    assert first.uid.startswith("ep-") and first.uid != first.endpoint_id
    equal(first.status.hosts.host, os.environ["POSTGRES_HOST"])
    with connect(CLIENT_ID, credential().token) as session:
        equal(session.execute("SELECT current_user").fetchone(), (CLIENT_ID,))


@promise("project, branch and endpoint are found by name and among all")
def _():
    project = client.postgres.get_project(PROJECT)
    equal(list(client.postgres.list_projects(page_size=1)), [project])
    branch = client.postgres.get_branch(project.status.default_branch)
    equal((branch.name, list(client.postgres.list_branches(PROJECT))), (BRANCH, [branch]))
    endpoint = client.postgres.get_endpoint(ENDPOINT)
    equal(endpoint.status.current_state, EndpointStatusState.ACTIVE)
    for wrong in [f"{PROJECT}x", f"{BRANCH}x", f"{BRANCH}/endpoints/{endpoint.uid}"]:
        fails(errors.NotFound, client.postgres.get_endpoint, wrong)


@promise("an endpoint is idle while it sleeps and active once it is woken")
def _():
    state = lambda: client.postgres.get_endpoint(ENDPOINT).status.current_state
    tell("POST", "/faults/postgres", {"suspend": {"wake_ms": 10}})
    equal(state(), EndpointStatusState.IDLE)
    connect(CLIENT_ID, credential().token).close()
    equal(state(), EndpointStatusState.ACTIVE)


@promise("a credential lives as long as was wished, between five minutes and an hour")
def _():
    start = int(time.time())
    for seconds, wish in [
        (3600, {}),
        (600, {"ttl": Duration(seconds=600)}),
        (900, {"expire_time": Timestamp(seconds=start + 900)}),
    ]:
        end = credential(**wish).expire_time.seconds
        assert start + seconds <= end <= time.time() + seconds, (seconds, end - start)
    for seconds in [299, 3601]:
        fails(errors.InvalidParameterValue, lambda: credential(ttl=Duration(seconds=seconds)))
    short = credential(ttl=Duration(seconds=300)).token
    tell("POST", "/clock", {"advance_s": 300})
    refused = fails(psycopg.OperationalError, connect, CLIENT_ID, short)
    assert "OAuth: User is not authorized" in str(refused), refused
    tell("POST", "/clock", {"advance_s": -300})


@promise("roles come page by page")
def _():
    before = requests("GET", f"{API}/{BRANCH}/roles")
    names = {one.status.postgres_role for one in client.postgres.list_roles(BRANCH, page_size=1)}
    equal(names, {CLIENT_ID, "admin@example.com"})
    equal(requests("GET", f"{API}/{BRANCH}/roles") - before, 2)


@promise("a role is made, lets its principal in, is changed, and goes with what it owns")
def _():
    name, secret = newcomer()
    token = credential(WorkspaceClient(client_id=name, client_secret=secret)).token
    refused = fails(psycopg.OperationalError, connect, name, token)
    assert f"password authentication failed for user '{name}'" in str(refused), refused
    made = admin.postgres.create_role(BRANCH, principal(name), role_id="newcomer").wait()
    equal((made.name, made.status.postgres_role), (f"{BRANCH}/roles/newcomer", name))
    equal(made.status.auth_method, RoleAuthMethod.LAKEBASE_OAUTH_V1)
    wish = role(name, attributes=RoleAttributes(createdb=True))
    mask = FieldMask(["spec.attributes.createdb"])
    changed = admin.postgres.update_role(made.name, wish, mask).wait()
    equal(changed.status.attributes.createdb, True)
    with connect(name, token) as session:
        session.execute("CREATE DATABASE of_the_newcomer")
    owning = fails(errors.BadRequest, admin.postgres.delete_role, made.name)
    assert "some objects depend on it" in str(owning), owning
    heir = next(r for r in client.postgres.list_roles(BRANCH) if r.status.postgres_role == CLIENT_ID)
    admin.postgres.delete_role(made.name, reassign_owned_to=heir.name).wait()
    fails(errors.NotFound, client.postgres.get_role, made.name)
    found = client.postgres.get_database(f"{BRANCH}/databases/of-the-newcomer")
    equal(found.status.role, heir.name)


@promise("a role that exists is replaced on demand, and only there")
def _():
    superuser = [RoleMembershipRole.DATABRICKS_SUPERUSER]
    wish = role("twice", attributes=RoleAttributes(createrole=True), membership_roles=superuser)
    create = lambda **more: admin.postgres.create_role(BRANCH, wish, role_id="twice", **more)
    equal(create().wait().status.membership_roles, superuser)
    equal(str(fails(errors.BadRequest, create)), "role with that name already exists")
    wish = role("twice", attributes=RoleAttributes(createdb=True))
    replaced = create(replace_existing=True).wait().status
    equal((replaced.attributes.createdb, replaced.attributes.createrole), (True, True))
    equal(replaced.membership_roles or [], [])
    fixed = FieldMask(["spec.postgres_role"])
    name = f"{BRANCH}/roles/twice"
    fails(errors.InvalidParameterValue, lambda: admin.postgres.update_role(name, wish, fixed))
    admin.postgres.delete_role(name).wait()


@promise("a role with a password logs in with the one that is revealed")
def _():
    wish = role("native", auth_method=RoleAuthMethod.PG_PASSWORD_SCRAM_SHA_256)
    made = admin.postgres.create_role(BRANCH, wish, role_id="native").wait()
    equal(made.status.auth_method, RoleAuthMethod.PG_PASSWORD_SCRAM_SHA_256)
    password = admin.postgres.reveal_role_password(made.name).password
    with connect("native", password) as session:
        equal(session.execute("SELECT current_user").fetchone(), ("native",))
    fails(psycopg.OperationalError, connect, "native", password + "x")
    fails(errors.PermissionDenied, client.postgres.reveal_role_password, made.name)


@promise("a database is made, renamed, given away and dropped")
def _():
    roles = {one.status.postgres_role: one.name for one in client.postgres.list_roles(BRANCH)}
    spec = DatabaseDatabaseSpec(role=roles[CLIENT_ID], postgres_database="shop_data")
    create = lambda: admin.postgres.create_database(BRANCH, Database(spec=spec), database_id="shop")
    made = create().wait()
    equal((made.name, made.status.postgres_database), (f"{BRANCH}/databases/shop", "shop_data"))
    equal(str(fails(errors.BadRequest, create)), "database with that name already exists")
    with connect(CLIENT_ID, credential().token, "shop_data") as session:
        session.execute("CREATE SCHEMA mine")
    spec = DatabaseDatabaseSpec(role=roles["admin@example.com"], postgres_database="shop_new")
    fields = FieldMask(["spec.role", "spec.postgres_database"])
    changed = admin.postgres.update_database(made.name, Database(spec=spec), fields).wait()
    equal((changed.name, changed.status.postgres_database), (made.name, "shop_new"))
    equal(changed.status.role, roles["admin@example.com"])
    names = [one.name for one in client.postgres.list_databases(BRANCH, page_size=1)]
    assert made.name in names and len(names) == len(set(names)), names
    admin.postgres.delete_database(made.name).wait()
    fails(errors.NotFound, client.postgres.get_database, made.name)


@promise("an operation is asked for until it is over")
def _():
    operation = admin.postgres.create_role(BRANCH, role("slow"), role_id="slow")
    path = f"{API}/{operation.name()}"
    lasts = {"name": operation.name(), "done": False}
    tell("POST", "/faults", {"route": f"GET {path}", "status": 200, "body": lasts, "times": 1})
    equal(operation.wait().status.role_id, "slow")
    equal(requests("GET", path), 2)
    fails(errors.NotFound, client.postgres.get_operation, f"{BRANCH}/roles/slow/operations/other")


@promise("what must not be is refused as the error that fits")
def _():
    wish = client.postgres.generate_database_credential
    missing = fails(errors.NotFound, wish, f"{BRANCH}/endpoints/ep-some-uid")
    assert str(missing).startswith("endpoint id not found [TraceId: "), missing
    fails(errors.InvalidParameterValue, wish, "")
    fails(errors.PermissionDenied, client.postgres.create_role, BRANCH, principal(CLIENT_ID))
    create = admin.postgres.create_role
    equal(str(fails(errors.BadRequest, create, BRANCH, principal(CLIENT_ID))), "role with that name already exists")
    fails(errors.NotFound, create, BRANCH, principal("nobody"))
    fails(errors.InvalidParameterValue, create, BRANCH, Role())
    starts_with_digit = lambda: create(BRANCH, role("x"), role_id="1x")
    fails(errors.InvalidParameterValue, starts_with_digit)
    unable = lambda: create(BRANCH, role("x", auth_method=RoleAuthMethod.NO_LOGIN))
    fails(errors.BadRequest, unable)


run()
