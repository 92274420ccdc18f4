// node-pg: one query at a time or a pipeline of them, cursors, COPY streams, and its pool.
"use strict";

const { once } = require("node:events");
const { Readable, Writable } = require("node:stream");
const { pipeline } = require("node:stream/promises");
const { Client, Pool, Query } = require("pg");
const copy = require("pg-copy-streams");
const Cursor = require("pg-cursor");
const {
  DATABASE, ROLE, assert, atOnce, fails, inTime, isAsleep, promise, range, run,
} = require("./suite.cjs");

const SCHEMA = { options: "-csearch_path=node_pg" };

/** Does `work` with so many sessions as it takes; their tables are the suite's. */
const sessions = (work, options) => manySessions(work.length, work, options);

/** Does `work` with so many sessions. */
async function manySessions(count, work, options = {}) {
  const own = range(count).map(() => new Client({ ...SCHEMA, ...options }));
  await Promise.all(own.map((client) => client.connect()));
  try {
    await work(...own);
  } finally {
    await Promise.all(own.map((client) => client.end()));
  }
}

/** The only value of the only row. */
async function value(session, text, ...values) {
  const { rows } = await session.query({ text, values, rowMode: "array" });
  assert.equal(rows.length, 1);
  return rows[0][0];
}

promise("a session is of the login's role and in its database", async () => {
  await sessions(async (own) => {
    assert.equal(await value(own, "SELECT current_user"), ROLE);
    assert.equal(await value(own, "SELECT current_database()"), DATABASE);
    await own.query("DROP SCHEMA IF EXISTS node_pg CASCADE; CREATE SCHEMA node_pg");
  });
});

const VALUES = {
  boolean: true,
  smallint: -7,
  integer: 2 ** 31 - 1,
  bigint: "-9223372036854775808", // Greater than a number can be.
  "double precision": 0.1,
  numeric: "12345678901234567890.000000000123",
  text: "Grüße, 世界 'quoted' \\ and\nmore",
  bytea: Buffer.from(range(256)),
  timestamptz: new Date("2024-02-29T12:30:00.001Z"),
  uuid: "01234567-89ab-cdef-0123-456789abcdef",
  jsonb: { a: [1, 2, { b: null }] },
  "integer[]": [1, null, 3],
  "text[]": ["a", 'b"', null, "{,}"],
};

promise("all common types come back as they went", async () => {
  await sessions(async (own) => {
    for (const [kind, sent] of Object.entries(VALUES)) {
      assert.deepEqual(await value(own, `SELECT $1::${kind}`, sent), sent);
      assert.equal(await value(own, `SELECT $1::${kind}`, null), null);
    }
  });
});

promise("a prepared statement is used in many transactions of two sessions", async () => {
  await sessions(async (one, other) => {
    const add = { name: "add one", text: "SELECT $1::integer + 1 AS sum" };
    for (const turn of range(12)) {
      // The one that stays in a transaction keeps its connection from the other.
      const [stays, goes] = turn % 2 ? [one, other] : [other, one];
      await stays.query("BEGIN");
      for (const session of [stays, goes]) {
        const { rows } = await session.query({ ...add, values: [turn] });
        assert.deepEqual(rows, [{ sum: turn + 1 }]);
      }
      await stays.query("COMMIT");
    }
    // The same name for something else, in another session.
    const { rows } = await one.query({ name: "other", text: "SELECT 'one'::text AS own" });
    const others = await other.query({ name: "other", text: "SELECT 'other'::text AS own" });
    assert.deepEqual([...rows, ...others.rows], [{ own: "one" }, { own: "other" }]);
  });
});

promise("a transaction is there for others once it is committed, and never when rolled back", async () => {
  await sessions(async (writer, reader) => {
    await writer.query("CREATE TABLE kept (id integer PRIMARY KEY)");
    const count = "SELECT count(*)::int FROM kept";
    await writer.query("BEGIN");
    await writer.query("INSERT INTO kept VALUES ($1)", [1]);
    assert.equal(await value(reader, count), 0);
    await writer.query("COMMIT");
    assert.equal(await value(reader, count), 1);
    await writer.query("BEGIN; INSERT INTO kept VALUES (2)");
    await writer.query("ROLLBACK");
    assert.equal(await value(reader, count), 1);
  });
});

promise("after an error the session goes on, also in the middle of a transaction", async () => {
  await sessions(async (own) => {
    await fails("22012", own.query("SELECT 1 / 0"));
    await fails("42P01", own.query("SELECT $1 FROM nowhere", [1]));
    await fails("23505", own.query({ name: "again", text: "INSERT INTO kept VALUES (1)" }));
    await own.query("BEGIN; SAVEPOINT before");
    await fails("42601", own.query("SELEC"));
    await fails("25P02", own.query("SELECT 1"));
    await own.query("ROLLBACK TO before");
    assert.equal(await value(own, "SELECT 2"), 2);
    await own.query("COMMIT");
    assert.equal(await value(own, "SELECT $1::integer", 3), 3);
  });
});

promise("in a pipeline each query has its own answer, or its own error", async () => {
  const work = async (own) => {
    const asked = range(500).map((n) => {
      const named = n % 3 ? {} : { name: "halves" };
      const text = n % 10 ? "SELECT 100 / $1::integer AS part" : "SELECT 1 / ($1::integer - $1)";
      return own.query({ ...(n % 10 ? named : {}), text, values: [n || 1] });
    });
    const answers = await Promise.allSettled(asked);
    answers.forEach(({ value, reason }, n) => {
      if (n % 10) assert.deepEqual(value.rows, [{ part: Math.floor(100 / n) }]);
      else assert.equal(reason.code, "22012");
    });
  };
  await sessions(work, { pipeline: true });
  await sessions(work);
});

promise("COPY goes in and out, and can be given up", async () => {
  await sessions(async (own) => {
    await own.query("CREATE TABLE copied (id integer, word text)");
    const rows = range(20_000).map((number) => `${number}\tword ${number}\n`);
    const goesIn = "COPY copied FROM STDIN";
    await pipeline(Readable.from(rows), own.query(copy.from(goesIn)));
    let found = "";
    const collect = new Writable({
      write(chunk, _, done) {
        found += chunk;
        done();
      },
    });
    const goesOut = "COPY (TABLE copied ORDER BY id) TO STDOUT";
    await pipeline(own.query(copy.to(goesOut)), collect);
    assert.equal(found, rows.join(""));
    await fails("22P02", pipeline(Readable.from(["no number\tword\n"]), own.query(copy.from(goesIn))));
    const givenUp = own.query(copy.from(goesIn));
    givenUp.write("1\tnever\n");
    await new Promise((gone) => givenUp.on("close", gone).on("error", () => {}).destroy());
    assert.equal(await value(own, "SELECT count(*)::int FROM copied"), 20_000);
  });
});

promise("50 MB stream through a cursor", async () => {
  await sessions(async (own) => {
    const rows = "SELECT repeat(chr(65 + i % 26), 1000) AS text FROM generate_series(1, 50000) i";
    const cursor = own.query(new Cursor(rows));
    let length = 0;
    for (let page; (page = await cursor.read(5_000)).length; ) {
      length += page.reduce((sum, { text }) => sum + text.length, 0);
    }
    await cursor.close();
    assert.equal(length, 50_000_000);
    // Given up in the middle.
    const broken = own.query(new Cursor(rows));
    assert.equal((await broken.read(10)).length, 10);
    await broken.close();
    assert.equal(await value(own, "SELECT 1"), 1);
  });
});

promise("a listener hears what others notify", async () => {
  await sessions(async (listener, speaker) => {
    await listener.query("LISTEN news");
    for (const turn of range(3)) {
      const heard = new Promise((resolve) => listener.once("notification", resolve));
      await speaker.query("SELECT pg_notify('news', $1)", [`turn ${turn}`]);
      const { channel, payload } = await heard;
      assert.deepEqual([channel, payload], ["news", `turn ${turn}`]);
      assert.equal(await value(listener, "SELECT $1::integer", turn), turn);
    }
  });
});

promise("a long query can be cancelled, and is ended by its time limit", async () => {
  await sessions(async (own, watcher) => {
    const asleep = own.query(new Query("SELECT pg_sleep(600) /* node-pg sleeps */"));
    const ended = once(asleep, "error");
    while ((await value(watcher, isAsleep("node-pg sleeps"))) !== 1);
    // What node-pg has for it speaks no TLS, so this is for a server that needs none.
    if (process.env.PGSSLMODE) {
      const cancels = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE $1";
      await watcher.query(cancels, ["%node-pg sleeps */"]);
    } else {
      new Client().cancel(own, asleep);
    }
    assert.equal((await ended)[0].code, "57014");
    assert.equal(await value(own, "SELECT 1"), 1);
  });
  await sessions(
    async (own) => {
      await fails("57014", own.query("SELECT pg_sleep(600)"));
      const limit = await inTime(() => value(own, "SHOW statement_timeout"));
      assert.equal(limit, "50ms");
    },
    { statement_timeout: 50 },
  );
});

promise("20 sessions work at once, each with its own answers", async () => {
  await sessions((own) => own.query("CREATE TABLE worked (worker integer, turn integer)"));
  const work = async (own, worker) => {
    for (const turn of range(15)) {
      await own.query("BEGIN");
      const insert = { name: "work", text: "INSERT INTO worked VALUES ($1, $2)" };
      await own.query({ ...insert, values: [worker, turn] });
      const count = "SELECT count(*)::int FROM worked WHERE worker = $1";
      assert.equal(await value(own, count, worker), turn + 1);
      await own.query("COMMIT");
      const said = `${worker}-${turn}`;
      assert.equal(await value(own, "SELECT $1::text", said), said);
    }
  };
  await manySessions(20, (...all) => Promise.all(all.map(work)));
  await sessions(async (own) => {
    assert.equal(await value(own, "SELECT count(*)::int FROM worked"), 300);
  });
});

promise("what a session starts with is seen by the server", async () => {
  const started = {
    application_name: "pg's own",
    lock_timeout: 4_321,
    options: "-c search_path=node_pg -c work_mem=5MB -c TimeZone=Asia/Kolkata",
  };
  const work = async (own) => {
    const seen = "SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()";
    assert.equal(await value(own, seen), "pg's own");
    for (const [name, expected] of [
      ["search_path", "node_pg"],
      ["work_mem", "5MB"],
      ["TimeZone", "Asia/Kolkata"],
      ["lock_timeout", "4321ms"],
    ]) {
      assert.equal(await value(own, "SELECT current_setting($1)", name), expected);
    }
  };
  await sessions(work, started);
});

const SETS = { TimeZone: "Europe/Rome", application_name: "set", work_mem: "7MB" };
const SETTING = "SELECT current_setting($1)";

promise("what a session sets stays its own, in all its transactions and after its end", async () => {
  const before = {};
  await sessions(async (own, other) => {
    for (const [name, wanted] of Object.entries(SETS)) {
      before[name] = await value(other, SETTING, name);
      await own.query(`SET ${name} = '${wanted}'`);
    }
    for (const _turn of range(3)) {
      for (const [name, wanted] of Object.entries(SETS)) {
        assert.equal(await value(own, SETTING, name), wanted);
        assert.equal(await value(other, SETTING, name), before[name]);
      }
    }
  });
  for (const _turn of range(3)) {
    await sessions(async (later) => {
      for (const name of Object.keys(SETS)) {
        assert.equal(await value(later, SETTING, name), before[name]);
      }
    });
  }
});

promise("temporary tables and locks of a session live as long as it does", async () => {
  const taken = "SELECT pg_try_advisory_lock(9)";
  // Lets go at once: a lock must not be left to the suite's next run.
  const briefly = "SELECT pg_try_advisory_xact_lock(9)";
  const exists = "SELECT to_regclass('own') IS NOT NULL";
  await sessions(async (own, other) => {
    await own.query("CREATE TEMPORARY TABLE own AS SELECT 42 AS answer");
    assert.equal(await value(own, taken), true);
    for (const _turn of range(3)) {
      assert.equal(await value(own, "SELECT answer FROM own"), 42);
      assert.equal(await value(other, taken), false);
      assert.equal(await value(other, exists), false);
    }
  });
  await sessions(async (later) => {
    while (!(await value(later, briefly)));
    assert.equal(await value(later, exists), false);
  });
});

promise("the pool of the driver serves 50 at once with 5 sessions", async () => {
  const pool = new Pool({ ...SCHEMA, max: 5 });
  await atOnce(50, async (turn) => {
    assert.equal(await value(pool, "SELECT $1::integer", turn), turn);
  });
  assert.equal(pool.totalCount, 5);
  await pool.end();
});

run();
