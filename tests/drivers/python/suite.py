"""What the suites in Python share: promises, told one by one, and the server's own view."""

import asyncio
import contextlib
import inspect
import os
import sys
import time
import traceback

# Whose sessions these are in the end, whatever name the driver logged in with.
ROLE = os.environ["LOGIN_ROLE"]
DATABASE = os.environ["LOGIN_DATABASE"]

# How long anything may take on a busy machine before it is called hung.
DEADLINE = 60

# Which sessions are within pg_sleep, as the server tells it. It is not enough that the query is
# active: that it is while it is prepared, and a cancel request that comes before it is executed
# cancels nothing.
IS_ASLEEP = """
    SELECT count(*) FROM pg_stat_activity
    WHERE wait_event = 'PgSleep' AND query LIKE '%' || '{}' || '%'
"""

_promises = []


def promise(words):
    """Makes a function one of the suite's promises, kept in the order they are written in."""

    def keep(function):
        _promises.append((words, function))
        return function

    return keep


def run():
    """Tries every promise, tells each that holds, and ends with the first that does not."""
    for words, function in _promises:
        try:
            outcome = function()
            if inspect.iscoroutine(outcome):
                asyncio.run(asyncio.wait_for(outcome, DEADLINE))
        except BaseException:
            traceback.print_exc()
            sys.exit(f"broken: {words}")
        print("kept:", words, flush=True)


def equal(found, expected):
    """Fails unless both are the same."""
    assert found == expected, f"{found!r} is not {expected!r}"


@contextlib.contextmanager
def failing(kind):
    """A block that must end with an error of this kind."""
    try:
        yield
    except kind:
        return
    raise AssertionError(f"no {kind.__name__}")


def fails(kind, function, *arguments):
    """The error, of this kind, that a call must end with."""
    try:
        function(*arguments)
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


@contextlib.asynccontextmanager
async def afailing(kind):
    """`failing`, where the block awaits."""
    with failing(kind):
        yield


async def afails(kind, awaitable):
    """`fails`, for what is awaited."""
    try:
        await awaitable
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def until(is_so):
    """Returns once something holds."""
    start = time.monotonic()
    while not is_so():
        assert time.monotonic() - start < DEADLINE, "it never comes"
