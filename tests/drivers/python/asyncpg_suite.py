"""asyncpg: named prepared statements for everything, binary values, and a pool with a reset query."""

import asyncio
import datetime
import decimal
import io
import uuid

import asyncpg

from suite import DATABASE, IS_ASLEEP, ROLE, afails, afailing, equal, promise, run

SCHEMA = {"search_path": "asyncpg_suite"}


def connect(**options):
    """A session whose tables are the suite's; to be awaited, or opened by `async with session()`."""
    return asyncpg.connect(server_settings=SCHEMA | options)


class session:
    """A session that is closed at the end of its block."""

    def __init__(self, **options):
        self.options = options

    async def __aenter__(self):
        self.own = await connect(**self.options)
        return self.own

    async def __aexit__(self, *_error):
        await self.own.close()


@promise("a session is of the login's role and in its database")
async def _():
    own = await asyncpg.connect()
    equal(await own.fetchrow("SELECT current_user, current_database()"), (ROLE, DATABASE))
    await own.execute("DROP SCHEMA IF EXISTS asyncpg_suite CASCADE; CREATE SCHEMA asyncpg_suite")
    await own.close()


UTC = datetime.timezone.utc
VALUES = {
    "boolean": True,
    "smallint": -7,
    "integer": 2**31 - 1,
    "bigint": -(2**63),
    "real": 0.5,
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
    "jsonb": '{"a": [1, 2, {"b": null}]}',
    "integer[]": [1, None, 3],
    "text[]": ["a", 'b"', None, "{,}"],
    "int4range": asyncpg.Range(1, 5),
}


@promise("all common types come back as they went, and types of one's own as well")
async def _():
    async with session() as own:
        for kind, sent in VALUES.items():
            row = await own.fetchrow(f"SELECT $1::{kind}, $2::{kind} IS NULL", sent, None)
            equal(row, (sent, True))
        await own.execute("CREATE TYPE mood AS ENUM ('fine', 'grim')")
        await own.execute("CREATE TYPE pair AS (who text, how mood)")
        # What asyncpg does not know it asks the catalog for, with statements of its own.
        equal(await own.fetchval("SELECT $1::pair", ("me", "fine")), ("me", "fine"))
        equal(await own.fetchval("SELECT $1::mood[]", ["grim", "fine"]), ["grim", "fine"])


@promise("a prepared statement is used in many transactions of two sessions")
async def _():
    async with session() as one, session() as other:
        prepared = {own: await own.prepare("SELECT $1::integer + 1") for own in (one, other)}
        for turn in range(12):
            # The one that stays in a transaction keeps its connection from the other.
            stays, goes = (one, other) if turn % 2 else (other, one)
            async with stays.transaction():
                equal(await prepared[stays].fetchval(turn), turn + 1)
                equal(await prepared[goes].fetchval(turn), turn + 1)
        # More than asyncpg keeps: it closes the oldest while others run.
        for own in (one, other):
            for turn in range(250):
                equal(await own.fetchval(f"SELECT $1::integer -- {turn}", turn), turn)


@promise("a transaction is there for others once it is committed, and never when rolled back")
async def _():
    async with session() as writer, session() as reader:
        await writer.execute("CREATE TABLE kept (id integer PRIMARY KEY)")
        count = "SELECT count(*) FROM kept"
        async with writer.transaction(isolation="serializable"):
            await writer.execute("INSERT INTO kept VALUES (1)")
            equal(await reader.fetchval(count), 0)
        equal(await reader.fetchval(count), 1)
        async with afailing(ZeroDivisionError), writer.transaction():
            await writer.execute("INSERT INTO kept VALUES (2)")
            raise ZeroDivisionError
        equal(await reader.fetchval(count), 1)


@promise("after an error the session goes on, also in the middle of a transaction")
async def _():
    async with session() as own:
        error = await afails(asyncpg.DivisionByZeroError, own.execute("SELECT 1 / 0"))
        equal((error.sqlstate, error.message), ("22012", "division by zero"))
        await afails(asyncpg.UndefinedTableError, own.fetch("SELECT $1 FROM nowhere", 1))
        await afails(asyncpg.UniqueViolationError, own.fetch("INSERT INTO kept VALUES ($1)", 1))
        async with own.transaction():
            async with afailing(asyncpg.PostgresSyntaxError), own.transaction():
                await own.fetch("SELEC")
            equal(await own.fetchval("SELECT 2"), 2)
        async with afailing(asyncpg.InFailedSQLTransactionError), own.transaction():
            await afails(asyncpg.DivisionByZeroError, own.fetch("SELECT 1 / $1::integer", 0))
            await own.fetch("SELECT 1")
        equal(await own.fetchval("SELECT 3"), 3)


@promise("an error in the middle of a batch undoes the batch, and the session goes on")
async def _():
    async with session() as own:
        await own.execute("CREATE TABLE batched (id integer PRIMARY KEY)")
        insert = "INSERT INTO batched VALUES ($1)"
        batch = own.executemany(insert, [(1,), (2,), (2,), (3,)])
        await afails(asyncpg.UniqueViolationError, batch)
        equal(await own.fetchval("SELECT count(*) FROM batched"), 0)
        await own.executemany(insert, [(number,) for number in range(5_000)])
        equal(await own.fetchval("SELECT count(*) FROM batched"), 5_000)
        script = "INSERT INTO batched VALUES (-1); SELECT 1 / 0; INSERT INTO batched VALUES (-2)"
        await afails(asyncpg.DivisionByZeroError, own.execute(script))
        equal(await own.fetchval("SELECT min(id) FROM batched"), 0)


@promise("COPY goes in and out, as text and as binary, and can be given up")
async def _():
    async with session() as own:
        await own.execute("CREATE TABLE copied (id integer, word text)")
        rows = [(number, f"word {number}\t") for number in range(20_000)]
        await own.copy_records_to_table("copied", records=rows)
        equal([tuple(row) for row in await own.fetch("SELECT * FROM copied ORDER BY id")], rows)
        file = io.BytesIO()
        await own.copy_from_query("SELECT * FROM copied WHERE id < $1", 10_000, output=file)
        file.seek(0)
        await own.copy_to_table("copied", source=file)
        equal(await own.fetchval("SELECT count(*) FROM copied"), 30_000)
        wrong = own.copy_to_table("copied", source=io.BytesIO(b"no number\tword\n"))
        await afails(asyncpg.InvalidTextRepresentationError, wrong)

        async def gives_up():
            yield b"1\tnever\n"
            raise ZeroDivisionError

        await afails(ZeroDivisionError, own.copy_to_table("copied", source=gives_up()))
        equal(await own.fetchval("SELECT count(*) FROM copied"), 30_000)


@promise("50 MB stream through a cursor")
async def _():
    rows = "SELECT repeat(chr(65 + i % 26), 1000) FROM generate_series(1, 50000) i"
    async with session() as own, own.transaction():
        equal(sum([len(row[0]) async for row in own.cursor(rows, prefetch=5_000)]), 50_000_000)


@promise("a listener hears what others notify")
async def _():
    async with session() as listener, session() as speaker:
        heard = asyncio.Queue()
        await listener.add_listener("news", lambda *news: heard.put_nowait(news[2:]))
        for turn in range(3):
            await speaker.execute("SELECT pg_notify('news', $1)", f"turn {turn}")
            equal(await heard.get(), ("news", f"turn {turn}"))
            equal(await listener.fetchval("SELECT $1::integer", turn), turn)


@promise("a long query can be cancelled, and is ended by its time limit")
async def _():
    async with session() as own, session() as watcher:
        sleeper = asyncio.create_task(own.fetch("SELECT pg_sleep(600) /* asyncpg sleeps */"))
        while await watcher.fetchval(IS_ASLEEP.format("asyncpg sleeps")) != 1:
            pass
        # asyncpg itself sends the cancel request.
        sleeper.cancel()
        await afails(asyncio.CancelledError, sleeper)
        equal(await own.fetchval("SELECT 1"), 1)
        # asyncpg's own limit sends one as well. On a busy machine that may be before the query is
        # executed, and cancels nothing: then it is the server that ends it.
        await own.execute("SET statement_timeout = '10s'")
        await afails(TimeoutError, own.fetch("SELECT pg_sleep(600)", timeout=0.1))
        await own.execute("RESET statement_timeout")
        async with afailing(asyncpg.QueryCanceledError), own.transaction():
            await own.execute("SET LOCAL statement_timeout = 50")
            await own.fetch("SELECT pg_sleep(600)")
        equal(await own.fetchval("SELECT current_setting('statement_timeout')"), "0")


@promise("20 sessions work at once, each with its own answers")
async def _():
    async with session() as own:
        await own.execute("CREATE TABLE worked (worker integer, turn integer)")

    # All are there before one works, and until all have worked.
    together = asyncio.Barrier(20)

    async def work(worker):
        async with session() as own:
            await together.wait()
            for turn in range(15):
                async with own.transaction():
                    await own.execute("INSERT INTO worked VALUES ($1, $2)", worker, turn)
                    count = "SELECT count(*) FROM worked WHERE worker = $1"
                    equal(await own.fetchval(count, worker), turn + 1)
                said = f"{worker}-{turn}"
                equal(await own.fetchval("SELECT $1::text", said), said)
            await together.wait()

    await asyncio.gather(*[work(worker) for worker in range(20)])
    async with session() as own:
        equal(await own.fetchval("SELECT count(*) FROM worked"), 300)


@promise("what a session starts with is seen by the server")
async def _():
    started = {
        "application_name": "asyncpg's own",
        "work_mem": "5MB",
        "TimeZone": "Asia/Kolkata",
        "DateStyle": "SQL, DMY",
    }
    async with session(**started) as own:
        for name, expected in (started | SCHEMA).items():
            equal(await own.fetchval("SELECT current_setting($1)", name), expected)
        seen = "SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        equal(await own.fetchval(seen), "asyncpg's own")
        equal(own.get_settings().TimeZone, "Asia/Kolkata")


@promise("what a session sets stays its own, in all its transactions and after its end")
async def _():
    sets = {"TimeZone": "Europe/Rome", "application_name": "set", "work_mem": "7MB"}
    setting = "SELECT current_setting($1)"
    async with session() as own, session() as other:
        before = {name: await other.fetchval(setting, name) for name in sets}
        for name, wanted in sets.items():
            await own.execute(f"SET {name} = '{wanted}'")
        for _turn in range(3):
            for name, wanted in sets.items():
                equal(await own.fetchval(setting, name), wanted)
                equal(await other.fetchval(setting, name), before[name])
        equal(own.get_settings().TimeZone, "Europe/Rome")
    for _turn in range(3):
        async with session() as later:
            for name in sets:
                equal(await later.fetchval(setting, name), before[name])


@promise("temporary tables, locks and cursors of a session live as long as it does")
async def _():
    taken, exists = "SELECT pg_try_advisory_lock(8)", "SELECT to_regclass('own') IS NOT NULL"
    # Lets go at once: a lock must not be left to the suite's next run.
    briefly = "SELECT pg_try_advisory_xact_lock(8)"
    async with session() as own, session() as other:
        await own.execute("CREATE TEMPORARY TABLE own AS SELECT 42 AS answer")
        equal(await own.fetchval(taken), True)
        await own.execute("BEGIN; DECLARE held CURSOR WITH HOLD FOR SELECT 5; COMMIT")
        for _turn in range(3):
            equal(await own.fetchval("SELECT answer FROM own"), 42)
            equal((await other.fetchval(taken), await other.fetchval(exists)), (False, False))
        equal(await own.fetchval("FETCH ALL FROM held"), 5)
    async with session() as later:
        while not await later.fetchval(briefly):
            pass
        equal(await later.fetchval(exists), False)


@promise("the pool of the driver gives sessions that are as new, by its own reset query")
async def _():
    async with asyncpg.create_pool(min_size=2, max_size=4, server_settings=SCHEMA) as pool:
        for turn in range(12):
            async with pool.acquire() as own:
                equal(await own.fetchval("SELECT current_setting('work_mem')"), "4MB")
                equal(await own.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
                                         " AND objid = 9"), 0)
                await own.execute("SET work_mem = '9MB'")
                await own.execute("SELECT pg_advisory_lock(9)")
                equal(await own.fetchval("SELECT $1::integer", turn), turn)
        counts = await asyncio.gather(*[pool.fetchval("SELECT $1::integer", n) for n in range(50)])
        equal(counts, list(range(50)))


run()
