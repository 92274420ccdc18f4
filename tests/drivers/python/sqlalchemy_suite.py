"""SQLAlchemy: its engine, its pool and its ORM, over psycopg and over asyncpg."""

import asyncio
import datetime
import decimal
import threading
import uuid

from sqlalchemy import Identity, create_engine, event, func, inspect, insert, select, text, types
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from suite import DATABASE, DEADLINE, IS_ASLEEP, ROLE, equal, failing, fails, promise, run, until

SCHEMA = "sqlalchemy_suite"
# Where and who comes from the environment, as with libpq.
PSYCOPG, ASYNCPG = "postgresql+psycopg://", "postgresql+asyncpg://"


def engine(**options):
    """An engine whose tables are the suite's."""
    made = create_engine(PSYCOPG, connect_args={"options": f"-csearch_path={SCHEMA}"}, **options)
    # psycopg's own number is 5: all are prepared here, so that each turn is one of a prepared one.
    event.listen(made, "connect", lambda own, _: setattr(own, "prepare_threshold", 0))
    return made


class Base(DeclarativeBase):
    """The suite's tables."""


class Order(Base):
    """One of each type."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    label: Mapped[str] = mapped_column(unique=True)
    paid: Mapped[bool]
    price: Mapped[decimal.Decimal] = mapped_column(types.Numeric(30, 12))
    weight: Mapped[float | None]
    blob: Mapped[bytes]
    placed: Mapped[datetime.datetime] = mapped_column(types.DateTime(timezone=True))
    due: Mapped[datetime.date]
    takes: Mapped[datetime.timedelta]
    key: Mapped[uuid.UUID]
    extra: Mapped[dict] = mapped_column(postgresql.JSONB)
    tags: Mapped[list[str]] = mapped_column(postgresql.ARRAY(types.Text))


def values(label):
    """What an order holds."""
    return {
        "label": label,
        "paid": True,
        "price": decimal.Decimal("123456789012345678.000000000123"),
        "weight": None,
        "blob": bytes(range(256)),
        "placed": datetime.datetime(2024, 2, 29, 12, 30, 0, 1, datetime.timezone.utc),
        "due": datetime.date(1999, 12, 31),
        "takes": datetime.timedelta(days=3, microseconds=7),
        "key": uuid.UUID("01234567-89ab-cdef-0123-456789abcdef"),
        "extra": {"a": [1, {"b": None}]},
        "tags": ["Grüße", "{,}", 'b"'],
    }


@promise("a session is of the login's role and in its database")
def _():
    own = create_engine(PSYCOPG)
    with own.begin() as session:
        found = session.execute(text("SELECT current_user, current_database()")).one()
        equal(tuple(found), (ROLE, DATABASE))
        session.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))
        session.execute(text(f"CREATE SCHEMA {SCHEMA}"))
    own.dispose()


@promise("tables are made and seen, and what is stored comes back as it went")
def _():
    own = engine()
    Base.metadata.create_all(own)
    columns = [column["name"] for column in inspect(own).get_columns("orders")]
    equal(columns, list(Order.__table__.columns.keys()))
    with Session(own) as session, session.begin():
        session.add(Order(**values("first")))
    with Session(own) as session:
        order = session.scalars(select(Order)).one()
        equal({name: getattr(order, name) for name in values("first")}, values("first"))
    own.dispose()


@promise("the same holds over asyncpg, 20 sessions at once")
async def _():
    options = {"server_settings": {"search_path": SCHEMA}}
    own = create_async_engine(ASYNCPG, connect_args=options, pool_size=20)

    async def work(worker):
        for turn in range(5):
            async with own.begin() as session:
                await session.execute(insert(Order).values(values(f"async {worker} {turn}")))
                query = select(Order.label, Order.tags).where(Order.label == f"async {worker} {turn}")
                found = (await session.execute(query)).one()
                equal(tuple(found), (f"async {worker} {turn}", values("")["tags"]))

    await asyncio.gather(*[work(worker) for worker in range(20)])
    async with own.connect() as session:
        count = select(func.count()).where(Order.label.like("async%"))
        equal((await session.execute(count)).scalar_one(), 100)
        rows = text("SELECT repeat('x', 1000) FROM generate_series(1, 20000)")
        streamed = await session.stream(rows)
        equal(sum([len(row[0]) async for row in streamed]), 20_000_000)
    await own.dispose()


@promise("a statement is prepared and used in many transactions of two sessions")
def _():
    own = engine()
    query = text("SELECT cast(:turn AS integer) + 1")
    with own.connect() as one, own.connect() as other:
        for turn in range(12):
            # The one that stays in a transaction keeps its connection from the other.
            stays, goes = (one, other) if turn % 2 else (other, one)
            for session in (stays, goes):
                equal(session.scalar(query, {"turn": turn}), turn + 1)
            goes.commit()
            stays.commit()
    own.dispose()


@promise("many rows go in at once, with their keys back, and an error undoes them all")
def _():
    own = engine()
    with Session(own) as session:
        keys = insert(Order).returning(Order.id, sort_by_parameter_order=True)
        rows = [values(f"many {number}") for number in range(2_500)]
        found = session.scalars(keys, rows).all()
        equal(len(set(found)), 2_500)
        session.commit()
        for again in (values("a"), values("first")):
            rows = [values("a"), again]
            equal(fails(IntegrityError, session.execute, keys, rows).orig.sqlstate, "23505")
            session.rollback()
        count = select(func.count()).where(Order.label == "a")
        equal(session.scalar(count), 0)
    own.dispose()


@promise("a transaction is committed or rolled back, also to a savepoint, and errors end neither")
def _():
    own = engine()
    label = select(Order.label).where(Order.label.like("tx%")).order_by(Order.label)
    with Session(own) as session:
        with session.begin():
            session.add(Order(**values("tx 1")))
            with failing(IntegrityError), session.begin_nested():
                session.add(Order(**values("first")))
                session.flush()
            session.add(Order(**values("tx 2")))
        with failing(ProgrammingError), session.begin():
            session.add(Order(**values("tx 3")))
            session.execute(text("SELEC"))
        equal(session.scalars(label).all(), ["tx 1", "tx 2"])
    with own.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        fails(DBAPIError, session.execute, text("SELECT 1 / 0"))
        equal(session.scalar(text("SELECT 1")), 1)
    with own.connect().execution_options(isolation_level="SERIALIZABLE") as session:
        equal(session.scalar(text("SHOW transaction_isolation")), "serializable")
    own.dispose()


@promise("50 MB stream through a cursor of the server")
def _():
    rows = text("SELECT repeat(chr(65 + i % 26), 1000) FROM generate_series(1, 50000) i")
    own = engine()
    with own.connect().execution_options(yield_per=5_000) as session:
        equal(sum(len(row[0]) for row in session.execute(rows)), 50_000_000)
    own.dispose()


@promise("a long query can be cancelled")
def _():
    own = engine()
    failed = []
    with own.connect() as session, own.connect() as watcher:

        def sleep():
            asleep = text("SELECT pg_sleep(600) /* sqlalchemy sleeps */")
            failed.append(fails(DBAPIError, session.execute, asleep).orig.sqlstate)

        sleeper = threading.Thread(target=sleep)
        sleeper.start()
        is_asleep = text(IS_ASLEEP.format("sqlalchemy sleeps"))
        # Within a transaction the server shows the same state again and again.
        watcher = watcher.execution_options(isolation_level="AUTOCOMMIT")
        until(lambda: watcher.scalar(is_asleep) == 1)
        session.connection.driver_connection.cancel_safe(timeout=DEADLINE)
        sleeper.join()
        equal(failed, ["57014"])
        session.rollback()
        equal(session.scalar(text("SELECT 1")), 1)
    own.dispose()


@promise("20 threads share the engine's pool, each with its own answers")
def _():
    own = engine(pool_size=10, pool_pre_ping=True)
    broken = []

    def work(worker):
        try:
            for turn in range(15):
                with Session(own) as session, session.begin():
                    label = f"thread {worker} {turn}"
                    session.add(Order(**values(label)))
                    session.flush()
                    found = session.scalars(select(Order).where(Order.label == label)).one()
                    equal(found.label, label)
        except BaseException as error:
            broken.append(error)

    workers = [threading.Thread(target=work, args=(worker,)) for worker in range(20)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    equal(broken, [])
    with Session(own) as session:
        equal(session.scalar(select(func.count()).where(Order.label.like("thread%"))), 300)
    own.dispose()


@promise("what a session starts with and sets is seen by the server, and stays its own")
def _():
    started = {
        "options": "-c work_mem=5MB -c TimeZone=Asia/Kolkata",
        "application_name": "sqlalchemy's own",
    }
    own = create_engine(PSYCOPG, connect_args=started)
    shows = text("SELECT current_setting('work_mem'), current_setting('TimeZone'), application_name"
                 " FROM pg_stat_activity WHERE pid = pg_backend_pid()")
    with own.connect() as session, own.connect() as other:
        session.execute(text("SET TimeZone = 'Europe/Rome'"))
        session.execute(text("SET work_mem = '7MB'"))
        session.execute(text("CREATE TEMPORARY TABLE own AS SELECT 42 AS answer"))
        session.commit()
        other.commit()
        for _turn in range(3):
            equal(tuple(session.execute(shows).one()), ("7MB", "Europe/Rome", "sqlalchemy's own"))
            equal(session.scalar(text("SELECT answer FROM own")), 42)
            session.commit()
            equal(tuple(other.execute(shows).one()), ("5MB", "Asia/Kolkata", "sqlalchemy's own"))
            equal(other.scalar(text("SELECT to_regclass('own') IS NULL")), True)
            other.commit()
    own.dispose()
    with own.connect() as later:
        equal(tuple(later.execute(shows).one()), ("5MB", "Asia/Kolkata", "sqlalchemy's own"))
    own.dispose()


run()
