// postgres.js: everything prepared and pipelined, one pool for all, types asked for at the start.
"use strict";

const { once } = require("node:events");
const { Readable } = require("node:stream");
const { pipeline } = require("node:stream/promises");
const postgres = require("postgres");
const {
  DATABASE, ROLE, assert, atOnce, fails, isAsleep, promise, range, run,
} = require("./suite.cjs");

const SCHEMA = "postgres_js";

/** Does `work` with a pool, which is one session unless told; its tables are the suite's. */
async function pooled(work, { connection, ...options } = {}) {
  const ssl = process.env.PGSSLMODE ?? false;
  const start = { search_path: SCHEMA, ...connection };
  const pool = postgres({ ssl, max: 1, onnotice: () => {}, connection: start, ...options });
  try {
    await work(pool);
  } finally {
    await pool.end();
  }
}

/** Does `work` with two sessions. */
const both = (work) => pooled((one) => pooled((other) => work(one, other)));

/** The only value of the only row. */
async function value(query) {
  const [[found], ...more] = await query.values();
  assert.deepEqual(more, []);
  return found;
}

promise("a session is of the login's role and in its database", async () => {
  await pooled(async (own) => {
    assert.equal(await value(own`SELECT current_user`), ROLE);
    assert.equal(await value(own`SELECT current_database()`), DATABASE);
    await own`DROP SCHEMA IF EXISTS ${own(SCHEMA)} CASCADE`;
    await own`CREATE SCHEMA ${own(SCHEMA)}`;
  });
});

promise("all common types come back as they went", async () => {
  await pooled(async (own) => {
    for (const [kind, sent] of Object.entries({
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
      "integer[]": [1, 2, 3],
      "text[]": ["a", 'b"', "{,}"], // It reads no NULL in an array.
    })) {
      assert.deepEqual(await value(own`SELECT ${sent}::${own.unsafe(kind)}`), sent);
      assert.equal(await value(own`SELECT ${null}::${own.unsafe(kind)}`), null);
    }
    const rows = range(1_000).map((id) => ({ id, word: `word ${id}` }));
    await own`CREATE TABLE written (id integer, word text)`;
    assert.deepEqual([...(await own`INSERT INTO written ${own(rows)} RETURNING *`)], rows);
  });
});

promise("a prepared statement is used in many transactions of two sessions", async () => {
  await both(async (one, other) => {
    const add = (session, turn) => value(session`SELECT ${turn}::integer + 1`);
    for (const turn of range(12)) {
      // The one that stays in a transaction keeps its connection from the other.
      const [stays, goes] = turn % 2 ? [one, other] : [other, one];
      await stays.begin(async (transaction) => {
        assert.equal(await add(transaction, turn), turn + 1);
        assert.equal(await add(goes, turn), turn + 1);
      });
    }
  });
});

promise("a transaction is there for others once it is committed, and never when rolled back", async () => {
  await both(async (writer, reader) => {
    await writer`CREATE TABLE kept (id integer PRIMARY KEY)`;
    const count = () => value(reader`SELECT count(*)::int FROM kept`);
    await writer.begin("isolation level serializable", async (transaction) => {
      await transaction`INSERT INTO kept VALUES (1)`;
      assert.equal(await count(), 0);
    });
    assert.equal(await count(), 1);
    const givenUp = writer.begin(async (transaction) => {
      await transaction`INSERT INTO kept VALUES (2)`;
      throw new Error("given up");
    });
    await assert.rejects(givenUp, /given up/);
    assert.equal(await count(), 1);
  });
});

promise("after an error the session goes on, also in the middle of a transaction", async () => {
  await pooled(async (own) => {
    await fails("22012", own`SELECT 1 / 0`);
    await fails("42P01", own`SELECT ${1} FROM nowhere`);
    await fails("23505", own`INSERT INTO kept VALUES (${1})`);
    await fails("22012", own.unsafe("SELECT 1; SELECT 1 / 0; SELECT 2"));
    await own.begin(async (transaction) => {
      await fails("42601", transaction.savepoint((inner) => inner`SELEC`));
      assert.equal(await value(transaction`SELECT 2`), 2);
    });
    await fails("22012", own.begin((transaction) => transaction`SELECT 1 / ${0}::integer`));
    assert.equal(await value(own`SELECT ${3}::integer`), 3);
  });
});

promise("in a pipeline each query has its own answer, or its own error", async () => {
  const work = async (own) => {
    const answers = await Promise.allSettled(
      range(500).map((n) =>
        n % 10
          ? value(own`SELECT 100 / ${n}::integer`)
          : value(own`SELECT 1 / (${n}::integer - ${n}::integer)`),
      ),
    );
    answers.forEach(({ value, reason }, n) => {
      if (n % 10) assert.equal(value, Math.floor(100 / n));
      else assert.equal(reason.code, "22012");
    });
  };
  await pooled(work);
  await pooled(work, { max: 5 });
  await pooled(work, { prepare: false });
});

promise("in a transaction, too, a pipeline ends with its first error", async () => {
  await pooled(async (own) => {
    const batch = own.begin((transaction) => [
      transaction`INSERT INTO kept VALUES (${10})`,
      transaction`INSERT INTO kept VALUES (${10})`,
      transaction`INSERT INTO kept VALUES (${11})`,
    ]);
    await fails("23505", batch);
    assert.equal(await value(own`SELECT count(*)::int FROM kept WHERE id >= 10`), 0);
  });
});

promise("COPY goes in and out, and can be given up", async () => {
  await pooled(async (own) => {
    await own`CREATE TABLE copied (id integer, word text)`;
    const rows = range(20_000).map((number) => `${number}\tword ${number}\n`);
    await pipeline(Readable.from(rows), await own`COPY copied FROM STDIN`.writable());
    let found = "";
    for await (const chunk of await own`COPY (TABLE copied ORDER BY id) TO STDOUT`.readable()) {
      found += chunk;
    }
    assert.equal(found, rows.join(""));
    const givenUp = await own`COPY copied FROM STDIN`.writable();
    givenUp.write("1\tnever\n");
    givenUp.destroy();
    await once(givenUp, "close");
    assert.equal(await value(own`SELECT count(*)::int FROM copied`), 20_000);
  });
});

promise("50 MB stream through, row by row and through a cursor", async () => {
  await pooled(async (own) => {
    let length = 0;
    const count = ({ text }) => (length += text.length);
    const rows = () =>
      own`SELECT repeat(chr(65 + i % 26), 1000) AS text FROM generate_series(1, 50000) i`;
    await rows().forEach(count);
    for await (const page of rows().cursor(5_000)) page.forEach(count);
    assert.equal(length, 100_000_000);
    for await (const page of rows().cursor(10)) {
      assert.equal(page.length, 10);
      break; // Given up in the middle.
    }
    assert.equal(await value(own`SELECT 1`), 1);
  });
});

promise("a listener hears what others notify", async () => {
  await both(async (listener, speaker) => {
    let hear;
    const { unlisten } = await listener.listen("news", (payload) => hear(payload));
    for (const turn of range(3)) {
      const heard = new Promise((resolve) => (hear = resolve));
      await speaker.notify("news", `turn ${turn}`);
      assert.equal(await heard, `turn ${turn}`);
    }
    await unlisten();
  });
});

promise("a long query can be cancelled, and is ended by its time limit", async () => {
  await both(async (own, watcher) => {
    const asleep = own`SELECT pg_sleep(600) /* postgres.js sleeps */`;
    const ended = fails("57014", asleep.execute());
    const sleepers = isAsleep("postgres.js sleeps");
    while ((await value(watcher.unsafe(sleepers))) !== 1);
    asleep.cancel();
    await ended;
    assert.equal(await value(own`SELECT 1`), 1);
  });
  // The limit is for whatever the driver asks by itself, too: on a busy machine that may take longer.
  await pooled((own) => fails("57014", own`SELECT pg_sleep(600)`), {
    connection: { statement_timeout: 50 },
    fetch_types: false,
  });
});

promise("20 sessions work at once, each with its own answers", async () => {
  await pooled((own) => own`CREATE TABLE worked (worker integer, turn integer)`);
  const work = async (own) => {
    await atOnce(20, async (worker) => {
      for (const turn of range(15)) {
        await own.begin(async (transaction) => {
          await transaction`INSERT INTO worked VALUES (${worker}, ${turn})`;
          const count = transaction`SELECT count(*)::int FROM worked WHERE worker = ${worker}`;
          assert.equal(await value(count), turn + 1);
        });
        const said = `${worker}-${turn}`;
        assert.equal(await value(own`SELECT ${said}::text`), said);
      }
    });
    assert.equal(await value(own`SELECT count(*)::int FROM worked`), 300);
  };
  await pooled(work, { max: 20 });
});

const setting = (session, name) => value(session`SELECT current_setting(${name})`);

promise("what a session starts with is seen by the server", async () => {
  const connection = {
    application_name: "postgres.js's own",
    work_mem: "5MB",
    TimeZone: "Asia/Kolkata",
    search_path: `${SCHEMA}, public`,
  };
  const work = async (own) => {
    for (const [name, expected] of Object.entries(connection)) {
      assert.equal(await setting(own, name), expected);
    }
    const seen = own`SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()`;
    assert.equal(await value(seen), "postgres.js's own");
    assert.equal(own.parameters.TimeZone, "Asia/Kolkata");
  };
  await pooled(work, { connection });
});

const SETS = { TimeZone: "Europe/Rome", application_name: "set", work_mem: "7MB" };

promise("what a session sets stays its own, in all its transactions and after its end", async () => {
  const before = {};
  await both(async (own, other) => {
    for (const [name, wanted] of Object.entries(SETS)) {
      before[name] = await setting(other, name);
      await own`SET ${own(name)} = ${own.unsafe(`'${wanted}'`)}`;
    }
    for (const _turn of range(3)) {
      for (const [name, wanted] of Object.entries(SETS)) {
        assert.equal(await setting(own, name), wanted);
        assert.equal(await setting(other, name), before[name]);
      }
    }
  });
  for (const _turn of range(3)) {
    await pooled(async (later) => {
      for (const name of Object.keys(SETS)) {
        assert.equal(await setting(later, name), before[name]);
      }
    });
  }
});

promise("temporary tables and locks of a session live as long as it does", async () => {
  const taken = (session) => value(session`SELECT pg_try_advisory_lock(10)`);
  // Lets go at once: a lock must not be left to the suite's next run.
  const briefly = (session) => value(session`SELECT pg_try_advisory_xact_lock(10)`);
  const exists = (session) => value(session`SELECT to_regclass('own') IS NOT NULL`);
  await both(async (own, other) => {
    await own`CREATE TEMPORARY TABLE own AS SELECT 42 AS answer`;
    assert.equal(await taken(own), true);
    for (const _turn of range(3)) {
      assert.equal(await value(own`SELECT answer FROM own`), 42);
      assert.equal(await taken(other), false);
      assert.equal(await exists(other), false);
    }
  });
  await pooled(async (later) => {
    while (!(await briefly(later)));
    assert.equal(await exists(later), false);
  });
});

run();
