"""What the suites share: the emulator's admin API, and the database by psycopg."""

import contextlib
import json
import os
import time
import urllib.request

import psycopg
import time_machine

ADMIN = os.environ["LAKEBASE_EMULATOR_ADMIN"]


def tell(method, path, body=None):
    """Asks the admin API for something."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(ADMIN + path, data, method=method)
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def requests(method, path):
    """How often this was asked of the control plane."""
    return tell("GET", "/counts")["requests"].get(f"{method} {path}", 0)


def connect(user, password, database="databricks_postgres"):
    """A session over TLS that is verified in full."""
    return psycopg.connect(
        host=os.environ["POSTGRES_HOST"],
        port=os.environ["POSTGRES_PORT"],
        user=user,
        password=password,
        dbname=database,
        sslmode="verify-full",
        autocommit=True,
    )


def newcomer():
    """A service principal that has no role yet: its id and its secret."""
    new = tell("POST", "/principals", {"kind": "SERVICE_PRINCIPAL", "role": "none"})
    return new["name"], new["client_secret"]


@contextlib.contextmanager
def passing_time():
    """Time that passes as told, for Lakebase and for this program; in the end it is now again."""
    passed = []
    with time_machine.travel(time.time(), tick=True) as here:

        def passes(minutes):
            passed.append(minutes * 60)
            tell("POST", "/clock", {"advance_s": passed[-1]})
            here.shift(passed[-1])

        yield passes
    tell("POST", "/clock", {"advance_s": -sum(passed)})
