"""psycopg 3: libpq's own ways, pipelines, COPY, and statements that prepare themselves."""

import datetime
import decimal
import threading
import time
import uuid
from functools import partial

import psycopg
from psycopg import errors, sql
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from suite import DATABASE, DEADLINE, IS_ASLEEP, ROLE, equal, failing, fails, promise, run, until


def connect(**options):
    """A session whose tables are the suite's."""
    return psycopg.connect(options="-csearch_path=psycopg_suite", autocommit=True, **options)


def value(session, query, *parameters):
    """The only value of the only row."""
    [(found,)] = session.execute(query, parameters or None).fetchall()
    return found


@promise("a session is of the login's role and in its database")
def _():
    with psycopg.connect(autocommit=True) as session:
        equal(value(session, "SELECT current_user"), ROLE)
        equal(value(session, "SELECT current_database()"), DATABASE)
        session.execute("DROP SCHEMA IF EXISTS psycopg_suite CASCADE")
        session.execute("CREATE SCHEMA psycopg_suite")


UTC = datetime.timezone.utc
VALUES = {
    "boolean": True,
    "smallint": -7,
    "integer": 2**31 - 1,
    "bigint": -(2**63),
    "double precision": 0.1,
    "numeric": decimal.Decimal("12345678901234567890.000000000123"),
    "text": "Grüße, 世界 'quoted' \\ and\nmore",
    "bytea": bytes(range(256)),
    "date": datetime.date(1999, 12, 31),
    "time": datetime.time(23, 59, 59, 999999),
    "timestamp": datetime.datetime(2024, 2, 29, 12, 30),
    "timestamptz": datetime.datetime(2024, 2, 29, 12, 30, 0, 1, UTC),
    "interval": datetime.timedelta(days=3, seconds=5, microseconds=7),
    "uuid": uuid.UUID("01234567-89ab-cdef-0123-456789abcdef"),
    "integer[]": [1, None, 3],
    "text[]": ["a", 'b"', None, "{,}"],
}


@promise("all common types come back as they went, as text and as binary")
def _():
    with connect() as session:
        for binary in (False, True):
            cursor = session.cursor(binary=binary)
            for kind, sent in VALUES.items():
                cast = sql.SQL("SELECT %s::" + kind + ", %s::" + kind + " IS NULL")
                equal(cursor.execute(cast, (sent, None)).fetchone(), (sent, True))
            sent = {"a": [1, 2, {"b": None}]}
            equal(cursor.execute("SELECT %s::jsonb", (Jsonb(sent),)).fetchone(), (sent,))


@promise("a prepared statement is used in many transactions of two sessions")
def _():
    with connect() as one, connect() as other:
        for session in (one, other):
            session.prepare_threshold = 0
        for turn in range(12):
            # The one that stays in a transaction keeps its connection from the other.
            stays, goes = (one, other) if turn % 2 else (other, one)
            with stays.transaction():
                equal(value(stays, "SELECT %s::integer + 1", turn), turn + 1)
                equal(value(goes, "SELECT %s::integer + 1", turn), turn + 1)
        for session in (one, other):
            count = "SELECT count(*) FROM generate_series(1, %s)"
            for turn in range(200):
                equal(value(session, count + f" -- {turn}", turn), turn)


@promise("a transaction is there for others once it is committed, and never when rolled back")
def _():
    with connect() as writer, connect() as reader:
        writer.execute("CREATE TABLE kept (id integer PRIMARY KEY)")
        count = "SELECT count(*) FROM kept"
        with writer.transaction():
            writer.execute("INSERT INTO kept VALUES (1)")
            equal(value(reader, count), 0)
        equal(value(reader, count), 1)
        with writer.transaction(force_rollback=True):
            writer.execute("INSERT INTO kept VALUES (2)")
        equal(value(reader, count), 1)


@promise("after an error the session goes on, also in the middle of a transaction")
def _():
    with connect() as session:
        error = fails(errors.DivisionByZero, session.execute, "SELECT 1 / 0")
        equal((error.sqlstate, error.diag.message_primary), ("22012", "division by zero"))
        fails(errors.UndefinedTable, session.execute, "SELECT %s FROM nowhere", (1,))
        fails(errors.UniqueViolation, session.execute, "INSERT INTO kept VALUES (1)")
        with session.transaction():
            with failing(errors.SyntaxError), session.transaction():
                session.execute("SELEC")
            equal(value(session, "SELECT 2"), 2)
        with failing(errors.InFailedSqlTransaction), session.transaction():
            fails(errors.DivisionByZero, session.execute, "SELECT 1 / 0")
            session.execute("SELECT 1")
        equal(value(session, "SELECT 3"), 3)


def batch(session, pipeline, statement, numbers, pause):
    """The errors of a batch that ends with a sync, in the order in which psycopg raises them."""

    def execute(number):
        session.execute(statement, (number,))
        time.sleep(pause)

    raised = []
    # A call that raises leaves what it has not read yet to the next one, so a last sync reads on.
    for call in (*(partial(execute, number) for number in numbers), pipeline.sync, pipeline.sync):
        try:
            call()
        except psycopg.Error as error:
            raised.append(error)
    return raised


@promise("an error in the middle of a pipeline ends it up to its sync, and nothing beyond")
def _():
    with connect() as session:
        session.execute("CREATE TABLE piped (id integer PRIMARY KEY)")
        session.prepare_threshold = 0
        insert = "INSERT INTO piped VALUES (%s)"
        # The server sends an error at once. So psycopg meets it at the sync, or, where it has time
        # to read between two statements, at the third of them.
        for base, pause in ((0, 0), (10, 0.1)):
            with session.pipeline() as pipeline:
                session.execute(insert, (base + 1,))
                pipeline.sync()
                first, *rest = batch(session, pipeline, insert, (base + 2, base + 2, base + 3), pause)
                assert isinstance(first, errors.UniqueViolation), first
                assert all(isinstance(error, errors.PipelineAborted) for error in rest), rest
                session.execute(insert, (base + 4,))
        # 2 went with its batch: a pipeline without BEGIN is one transaction up to its sync.
        found = session.execute("SELECT id FROM piped ORDER BY id").fetchall()
        equal(found, [(1,), (4,), (11,), (14,)])
        with session.pipeline():
            cursors = [session.execute("SELECT %s::integer", (turn,)) for turn in range(500)]
        equal([cursor.fetchone()[0] for cursor in cursors], list(range(500)))


@promise("COPY goes in and out, as text and as binary, and can be given up")
def _():
    with connect() as session:
        session.execute("CREATE TABLE copied (id integer, word text)")
        cursor = session.cursor()
        for form in ("TEXT", "BINARY"):
            session.execute("TRUNCATE copied")
            with cursor.copy(f"COPY copied FROM STDIN (FORMAT {form})") as copy:
                copy.set_types(["integer", "text"])
                for number in range(20_000):
                    copy.write_row((number, f"word {number}\t"))
            with cursor.copy(f"COPY (TABLE copied ORDER BY id) TO STDOUT (FORMAT {form})") as copy:
                copy.set_types(["integer", "text"])
                for number, row in enumerate(copy.rows()):
                    equal(row, (number, f"word {number}\t"))
            equal(number, 19_999)
        with failing(ZeroDivisionError), cursor.copy("COPY copied FROM STDIN") as copy:
            copy.write_row((1, "never"))
            raise ZeroDivisionError
        with failing(errors.InvalidTextRepresentation):
            with cursor.copy("COPY copied FROM STDIN") as copy:
                copy.write("no number\tword\n")
        equal(value(session, "SELECT count(*) FROM copied"), 20_000)


@promise("50 MB stream through, row by row and from a cursor")
def _():
    rows = "SELECT repeat(chr(65 + i % 26), 1000) FROM generate_series(1, 50000) i"
    with connect() as session:
        for streamed in (session.cursor().stream(rows), pages(session, rows)):
            equal(sum(len(text) for (text,) in streamed), 50_000_000)


def pages(session, rows):
    """The rows, as a cursor of the server gives them."""
    with session.transaction(), session.cursor("paged") as cursor:
        cursor.itersize = 5_000
        yield from cursor.execute(rows)


@promise("a listener hears what others notify")
def _():
    with connect() as listener, connect() as speaker:
        listener.execute("LISTEN news")
        for turn in range(3):
            speaker.execute("SELECT pg_notify('news', %s)", (f"turn {turn}",))
            [heard] = listener.notifies(timeout=DEADLINE, stop_after=1)
            equal((heard.channel, heard.payload), ("news", f"turn {turn}"))
            equal(value(listener, "SELECT %s::integer", turn), turn)


@promise("a long query can be cancelled, and is ended by its time limit")
def _():
    with connect() as session, connect() as watcher:
        asleep = "SELECT pg_sleep(600) /* psycopg sleeps */"
        failed = []
        sleeper = threading.Thread(
            target=lambda: failed.append(fails(errors.QueryCanceled, session.execute, asleep))
        )
        sleeper.start()
        until(lambda: value(watcher, IS_ASLEEP.format("psycopg sleeps")) == 1)
        session.cancel_safe(timeout=DEADLINE)
        sleeper.join(DEADLINE)
        equal([error.sqlstate for error in failed], ["57014"])
        equal(value(session, "SELECT 1"), 1)
        with failing(errors.QueryCanceled), session.transaction():
            session.execute("SET LOCAL statement_timeout = 50")
            session.execute("SELECT pg_sleep(600)")
        equal(value(session, "SELECT current_setting('statement_timeout')"), "0")


@promise("20 sessions work at once, each with its own answers")
def _():
    with connect() as session:
        session.execute("CREATE TABLE worked (worker integer, turn integer)")
    broken = []
    # All are there before one works, and until all have worked.
    together = threading.Barrier(20, timeout=DEADLINE)

    def work(worker):
        try:
            with connect() as session:
                session.prepare_threshold = 2
                together.wait()
                for turn in range(15):
                    with session.transaction():
                        session.execute("INSERT INTO worked VALUES (%s, %s)", (worker, turn))
                        count = "SELECT count(*) FROM worked WHERE worker = %s"
                        equal(value(session, count, worker), turn + 1)
                    equal(value(session, "SELECT %s::text", f"{worker}-{turn}"), f"{worker}-{turn}")
                together.wait()
        except BaseException as error:
            broken.append(error)

    workers = [threading.Thread(target=work, args=(worker,)) for worker in range(20)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    equal(broken, [])
    with connect() as session:
        equal(value(session, "SELECT count(*) FROM worked"), 300)


@promise("what a session starts with is seen by the server")
def _():
    started = {
        "options": "-c search_path=psycopg_suite -c work_mem=5MB -c TimeZone=Asia/Kolkata",
        "application_name": "psycopg's own",
        "client_encoding": "LATIN1",
    }
    with psycopg.connect(autocommit=True, **started) as session:
        for name, expected in [
            ("application_name", "psycopg's own"),
            ("search_path", "psycopg_suite"),
            ("work_mem", "5MB"),
            ("TimeZone", "Asia/Kolkata"),
            ("client_encoding", "LATIN1"),
        ]:
            equal(value(session, "SELECT current_setting(%s)", name), expected)
        seen = "SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        equal(value(session, seen), "psycopg's own")
        equal(session.info.timezone.key, "Asia/Kolkata")
        equal(value(session, "SELECT 'ü'"), "ü")


@promise("what a session sets stays its own, in all its transactions and after its end")
def _():
    sets = {"TimeZone": "Europe/Rome", "application_name": "set", "work_mem": "7MB"}
    with connect() as session, connect() as other:
        before = {name: value(other, "SELECT current_setting(%s)", name) for name in sets}
        for name, wanted in sets.items():
            session.execute(sql.SQL("SET {} = {}").format(sql.Identifier(name), wanted))
        for _turn in range(3):
            for name, wanted in sets.items():
                equal(value(session, "SELECT current_setting(%s)", name), wanted)
                equal(value(other, "SELECT current_setting(%s)", name), before[name])
        equal(session.info.timezone.key, "Europe/Rome")
    for _turn in range(3):
        with connect() as later:
            for name in sets:
                equal(value(later, "SELECT current_setting(%s)", name), before[name])


@promise("temporary tables, locks, cursors and statements of a session live as long as it does")
def _():
    # The last one lets go at once: a lock must not be left to the suite's next run.
    taken, briefly = "SELECT pg_try_advisory_lock(7)", "SELECT pg_try_advisory_xact_lock(7)"
    exists = "SELECT to_regclass('own') IS NOT NULL"
    with connect() as session, connect() as other:
        session.execute("CREATE TEMPORARY TABLE own AS SELECT 42 AS answer")
        session.execute("PREPARE doubled(integer) AS SELECT 2 * $1")
        equal(value(session, taken), True)
        session.execute("BEGIN; DECLARE held CURSOR WITH HOLD FOR SELECT 5; COMMIT")
        for _turn in range(3):
            equal(value(session, "SELECT answer FROM own"), 42)
            equal(value(session, "EXECUTE doubled(4)"), 8)
            equal((value(other, taken), value(other, exists)), (False, False))
        equal(value(session, "FETCH ALL FROM held"), 5)
        session.execute("DISCARD ALL")
        equal((value(session, exists), value(other, taken)), (False, True))
    with connect() as later:
        until(lambda: value(later, briefly))


@promise("the pool of the driver gives sessions that are as new")
def _():
    with ConnectionPool(
        kwargs={"options": "-csearch_path=psycopg_suite", "autocommit": True},
        min_size=2,
        max_size=4,
        reset=lambda session: session.execute("DISCARD ALL") and None,
    ) as pool:
        pool.wait(DEADLINE)
        for turn in range(12):
            with pool.connection() as session:
                equal(value(session, "SELECT to_regclass('left_here') IS NULL"), True)
                equal(value(session, "SELECT current_setting('work_mem')"), "4MB")
                session.execute("CREATE TEMPORARY TABLE left_here (id integer)")
                session.execute("SET work_mem = '9MB'")
                equal(value(session, "SELECT %s::integer", turn), turn)


run()
