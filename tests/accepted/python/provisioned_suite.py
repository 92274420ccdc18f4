"""databricks-sdk's `database`: instances, roles, credentials, and logins with what they give."""

import datetime
import os

import psycopg
from databricks.sdk import WorkspaceClient, errors
from databricks.sdk.service.database import (
    DatabaseInstanceRole,
    DatabaseInstanceRoleAttributes,
    DatabaseInstanceRoleIdentityType,
    DatabaseInstanceRoleMembershipRole,
    DatabaseInstanceState,
)

from emulator import connect, newcomer, requests, tell
from suite import equal, fails, promise, run

CLIENT_ID = os.environ["DATABRICKS_CLIENT_ID"]
INSTANCE = os.environ["LAKEBASE_INSTANCE_NAME"]

client = WorkspaceClient()
admin = WorkspaceClient(token=os.environ["ADMIN_TOKEN"], auth_type="pat")


def credential(of=client):
    """A database credential."""
    return of.database.generate_database_credential(instance_names=[INSTANCE])


def role(name, **more):
    """The role of a service principal, as a request describes it."""
    kind = DatabaseInstanceRoleIdentityType.SERVICE_PRINCIPAL
    return DatabaseInstanceRole(name=name, identity_type=kind, **more)


@promise("the app names its instance")
def _():
    resource = client.apps.get(os.environ["APP"]).resources[0].database
    equal(resource.instance_name, INSTANCE)
    equal(resource.database_name, os.environ["POSTGRES_DB"])


@promise("the instance is found by its name, by its uid and among all")
def _():
    instance = client.database.get_database_instance(INSTANCE)
    equal(instance.state, DatabaseInstanceState.AVAILABLE)
    equal(instance.read_write_dns, os.environ["POSTGRES_HOST"])
    equal(client.database.find_database_instance_by_uid(uid=instance.uid), instance)
    equal(list(client.database.list_database_instances(page_size=1)), [instance])


@promise("a credential is a password for an hour")
def _():
    found = credential()
    ends = datetime.datetime.fromisoformat(found.expiration_time)
    left = ends - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(minutes=59) < left <= datetime.timedelta(minutes=60), left
    with connect(CLIENT_ID, found.token) as session:
        equal(session.execute("SELECT current_user").fetchone(), (CLIENT_ID,))
        tell("POST", "/clock", {"advance_s": 60 * 60})
        equal(session.execute("SELECT 1").fetchone(), (1,))
        refused = fails(psycopg.OperationalError, connect, CLIENT_ID, found.token)
        assert "Invalid authorization for databricks identity login" in str(refused), refused
    tell("POST", "/clock", {"advance_s": -60 * 60})


@promise("roles come page by page")
def _():
    path = f"/api/2.0/database/instances/{INSTANCE}/roles"
    before = requests("GET", path)
    names = [one.name for one in client.database.list_database_instance_roles(INSTANCE, page_size=1)]
    equal(set(names), {CLIENT_ID, "admin@example.com"})
    equal(requests("GET", path) - before, 2)
    found = client.database.get_database_instance_role(INSTANCE, "admin@example.com")
    equal(found.membership_role, DatabaseInstanceRoleMembershipRole.DATABRICKS_SUPERUSER)


@promise("a role is made, lets its principal in, and goes with what it owns")
def _():
    name, secret = newcomer()
    new = WorkspaceClient(client_id=name, client_secret=secret)
    token = credential(new).token
    refused = fails(psycopg.OperationalError, connect, name, token)
    assert f"password authentication failed for user '{name}'" in str(refused), refused
    attributes = DatabaseInstanceRoleAttributes(createdb=True)
    made = admin.database.create_database_instance_role(INSTANCE, role(name, attributes=attributes))
    equal((made.name, made.effective_attributes.createdb), (name, True))
    with connect(name, token) as session:
        session.execute("CREATE DATABASE of_the_newcomer")
    with connect(name, token, "of_the_newcomer") as session:
        session.execute("CREATE SCHEMA kept; CREATE TABLE kept.things AS SELECT 1 AS one")
    owning = fails(errors.BadRequest, admin.database.delete_database_instance_role, INSTANCE, name)
    assert "some objects depend on it" in str(owning), owning
    admin.database.delete_database_instance_role(INSTANCE, name, reassign_owned_to=CLIENT_ID)
    fails(errors.NotFound, admin.database.get_database_instance_role, INSTANCE, name)
    fails(errors.NotFound, admin.database.delete_database_instance_role, INSTANCE, name)
    admin.database.delete_database_instance_role(INSTANCE, name, allow_missing=True)
    with connect(CLIENT_ID, credential().token, "of_the_newcomer") as session:
        equal(session.execute("SELECT one FROM kept.things").fetchone(), (1,))


@promise("what must not be is refused as the error that fits")
def _():
    fails(errors.NotFound, client.database.get_database_instance, "other")
    by_uid = client.database.find_database_instance_by_uid
    fails(errors.NotFound, lambda: by_uid(uid="other"))
    wish = client.database.generate_database_credential
    missing = fails(errors.NotFound, lambda: wish(instance_names=["other"]))
    equal(str(missing), "Database instance other does not exist")
    fails(errors.InvalidParameterValue, wish)
    create = client.database.create_database_instance_role
    fails(errors.PermissionDenied, create, INSTANCE, role(CLIENT_ID))
    fails(errors.NotFound, admin.database.create_database_instance_role, INSTANCE, role("nobody"))
    create = admin.database.create_database_instance_role
    equal(str(fails(errors.BadRequest, create, INSTANCE, role(CLIENT_ID))), "role with that name already exists")


run()
