"""The way of the page, in SQLAlchemy: detect the user, buy a token, put it in at each connect, renew it
in a thread, and prepare the database at the first start."""

import os
import threading
import time
import uuid

import psycopg
from databricks.sdk import WorkspaceClient
from sqlalchemy import Identity, create_engine, event, inspect, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from emulator import connect, newcomer, passing_time
from suite import equal, fails, promise, run, until

DATABASE, SCHEMA = os.environ["POSTGRES_DB"], os.environ["POSTGRES_DB_SCHEMA"]
RENEW_AFTER = 50 * 60


class Base(DeclarativeBase):
    """The application's tables."""


class Thing(Base):
    """One of them."""

    __tablename__ = "things"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]


class Application:
    """What the page has an application do, with the environment that the page has."""

    def __init__(self, client):
        self.client = client
        self.user = os.environ.get("DATABRICKS_CLIENT_ID") or client.current_user.me().user_name
        self.instance = self.discover()
        self.tokens = []
        self.mint()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.renew, daemon=True)
        self.thread.start()
        self.engine = self.make_engine()

    def discover(self):
        """The instance, as the app's first database resource names it."""
        app = self.client.apps.get(os.environ["APP"])
        return next(r.database for r in app.resources if r.database).instance_name

    def mint(self):
        """Buys a token."""
        wish = {"request_id": str(uuid.uuid4()), "instance_names": [self.instance]}
        token = self.client.database.generate_database_credential(**wish).token
        self.due = time.time() + RENEW_AFTER
        # Last: whoever waits for it lets time pass at once.
        self.tokens.append(token)

    def renew(self):
        """Buys one every 50 minutes, until it is stopped."""
        # The clock jumps, so it is looked at rather than waited for.
        while not self.stop.wait(0.02):
            if self.due <= time.time():
                self.mint()

    def make_engine(self):
        """The page's pool. It says nothing of TLS, and libpq takes what it is offered."""
        where = {"host": os.environ["POSTGRES_HOST"], "port": int(os.environ["POSTGRES_PORT"])}
        engine = create_engine(
            URL.create("postgresql+psycopg", self.user, "", database=DATABASE, **where),
            connect_args={"options": f"-csearch_path={SCHEMA} -cstatement_timeout=30000"},
            pool_size=5,
            max_overflow=10,
            pool_timeout=10,
            pool_recycle=3600,
            pool_pre_ping=True,
        )

        @event.listens_for(engine, "do_connect")
        def _(dialect, record, arguments, parameters):
            parameters["password"] = self.tokens[-1]

        return engine

    def prepare(self):
        """The schema, its default privileges, the tables."""
        engine = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as session:
            there = text("SELECT 1 FROM information_schema.schemata WHERE schema_name = :name")
            if session.execute(there, {"name": SCHEMA}).first() is None:
                session.execute(text(f'CREATE SCHEMA "{SCHEMA}"'))
                for kind in ["TABLES", "SEQUENCES"]:
                    grant = f'GRANT ALL ON {kind} TO "{self.user}"'
                    within = f'ALTER DEFAULT PRIVILEGES IN SCHEMA "{SCHEMA}"'
                    session.execute(text(f"{within} {grant}"))
        Base.metadata.create_all(self.engine, checkfirst=True)

    def close(self):
        """Stops the thread and leaves no connection."""
        self.stop.set()
        self.thread.join()
        self.engine.dispose()


def administrate(*statements, database="databricks_postgres"):
    """Runs the administrator's statements."""
    admin = WorkspaceClient(token=os.environ["ADMIN_TOKEN"], auth_type="pat")
    instances = [os.environ["LAKEBASE_INSTANCE_NAME"]]
    token = admin.database.generate_database_credential(instance_names=instances).token
    with connect("admin@example.com", token, database) as session:
        for statement in statements:
            session.execute(statement)


@promise("the first start tells that the administrator has not been here")
def _():
    app = Application(WorkspaceClient())
    error = fails(OperationalError, app.prepare)
    assert f'database "{DATABASE}" does not exist' in str(error), error
    administrate(f'CREATE DATABASE "{DATABASE}"')
    error = fails(ProgrammingError, app.prepare)
    assert f"permission denied for database {DATABASE}" in str(error), error
    app.close()


@promise("after the administrator's two statements it prepares everything, once")
def _():
    administrate(f'GRANT CREATE ON DATABASE "{DATABASE}" TO PUBLIC')
    app = Application(WorkspaceClient())
    app.prepare()
    app.prepare()
    with Session(app.engine) as session, session.begin():
        session.add(Thing(name="one"))
    with Session(app.engine) as session:
        equal(session.scalars(select(Thing.name)).all(), ["one"])
        owner = text("SELECT tableowner FROM pg_tables WHERE schemaname = :name")
        equal(session.scalars(owner, {"name": SCHEMA}).all(), [app.user])
    equal(inspect(app.engine).get_table_names(schema=SCHEMA), ["things"])
    app.close()


@promise("for hours the thread renews the token, and connections live on")
def _():
    with passing_time() as passes:
        app = Application(WorkspaceClient())
        with app.engine.connect() as kept:
            kept.execute(text("SELECT 1"))
            for renewals in range(1, 4):
                passes(minutes=50)
                until(lambda: len(app.tokens) == 1 + renewals)
                passes(minutes=9)
                app.engine.dispose(close=False)  # What is idle goes; what is in use stays.
                with app.engine.connect() as fresh:
                    user = fresh.scalar(text("SELECT current_user"))
                    equal(user, app.user)
            equal(kept.scalar(text("SELECT 1")), 1)
        equal(len(set(app.tokens)), len(app.tokens))
        app.close()


@promise("a token that nobody renewed is refused an hour later")
def _():
    with passing_time() as passes:
        app = Application(WorkspaceClient())
        app.stop.set()
        app.thread.join()
        passes(minutes=61)
        error = fails(OperationalError, app.engine.connect)
        assert "Invalid authorization for databricks identity login" in str(error), error
        app.close()


@promise("tightened, the application still may and others no longer do")
def _():
    name, secret = newcomer()
    administrate("CREATE EXTENSION IF NOT EXISTS databricks_auth", database=DATABASE)
    create = f"SELECT databricks_create_role('{name}', 'SERVICE_PRINCIPAL')"
    administrate(create, database=DATABASE)
    other = WorkspaceClient(client_id=name, client_secret=secret)
    instances = [os.environ["LAKEBASE_INSTANCE_NAME"]]
    token = other.database.generate_database_credential(instance_names=instances).token
    app = Application(WorkspaceClient())
    try_out = lambda session: session.execute("CREATE SCHEMA of_another; DROP SCHEMA of_another")
    with connect(name, token, DATABASE) as session:
        try_out(session)
        administrate(
            f'REVOKE CREATE ON DATABASE "{DATABASE}" FROM PUBLIC',
            f'GRANT CREATE ON DATABASE "{DATABASE}" TO "{app.user}"',
        )
        fails(psycopg.errors.InsufficientPrivilege, try_out, session)
    with connect(app.user, app.tokens[-1], DATABASE) as session:
        try_out(session)
    app.prepare()
    app.close()


run()
