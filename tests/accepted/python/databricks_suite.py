"""databricks-sdk: who am I, errors, retries, the life of its own token; whatever the database is."""

import os
import time

from databricks.sdk import WorkspaceClient
from databricks.sdk import errors

from emulator import passing_time, requests, tell
from suite import equal, fails, promise, run

CLIENT_ID = os.environ["DATABRICKS_CLIENT_ID"]
APP = os.environ["APP"]
ME = "/api/2.0/preview/scim/v2/Me"

# Nothing but the environment.
client = WorkspaceClient()


def failing(status, **more):
    """The next question who I am is answered with this."""
    tell("POST", "/faults", {"route": f"GET {ME}", "status": status, "times": 1, **more})


@promise("it authenticates as a service principal, and learns of the workspace by itself")
def _():
    equal(client.config.auth_type, "oauth-m2m")
    equal(client.config.workspace_id, "1234567890123456")
    me = client.current_user.me()
    equal((me.user_name, me.active), (CLIENT_ID, True))
    equal(client.get_workspace_id(), 1234567890123456)


@promise("a person is known by a personal access token")
def _():
    person = WorkspaceClient(token=os.environ["ADMIN_TOKEN"], auth_type="pat").current_user.me()
    equal((person.user_name, person.emails[0].value), ("admin@example.com",) * 2)


@promise("an app tells whose it is")
def _():
    app = client.apps.get(APP)
    equal((app.name, app.service_principal_client_id), (APP, CLIENT_ID))
    fails(errors.ResourceDoesNotExist, client.apps.get, "other")


@promise("each refusal is the error that its class is for")
def _():
    for status, kind in [
        (400, errors.InvalidParameterValue),
        (401, errors.Unauthenticated),
        (403, errors.PermissionDenied),
        (404, errors.NotFound),
        (409, errors.Aborted),
        (500, errors.InternalError),
        (504, errors.DeadlineExceeded),
    ]:
        before = requests("GET", ME)
        failing(status)
        error = fails(kind, client.current_user.me)
        assert str(error), "it says nothing"
        equal(requests("GET", ME) - before, 1)


@promise("a wrong secret and a wrong token are told as such")
def _():
    wrong = WorkspaceClient(client_id=CLIENT_ID, client_secret="wrong")
    error = fails(ValueError, wrong.current_user.me)
    assert "invalid_client: Client authentication failed" in str(error), error
    stranger = WorkspaceClient(token="dapi-of-nobody", auth_type="pat")
    fails(errors.PermissionDenied, stranger.current_user.me)


@promise("what is too much for now is asked again after as long as it was told to wait")
def _():
    for status in [429, 503]:
        before, start = requests("GET", ME), time.monotonic()
        failing(status, retry_after="2")
        equal(client.current_user.me().user_name, CLIENT_ID)
        equal(requests("GET", ME) - before, 2)
        assert 2 <= time.monotonic() - start, "it did not wait"


@promise("a connection that breaks is opened again")
def _():
    before = requests("GET", ME)
    tell("POST", "/faults", {"route": f"GET {ME}", "reply": "drop", "times": 1})
    equal(client.current_user.me().user_name, CLIENT_ID)
    equal(requests("GET", ME) - before, 2)


@promise("its own token is renewed before it ends")
def _():
    fresh = WorkspaceClient()
    fresh.current_user.me()
    bought = tell("GET", "/counts")["workspace_tokens"]
    with passing_time() as passes:
        passes(minutes=61)
        equal(fresh.current_user.me().user_name, CLIENT_ID)
    equal(tell("GET", "/counts")["workspace_tokens"] - bought, 1)


run()
