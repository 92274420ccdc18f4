// @databricks/lakebase: its pool, with nothing but the environment that an app on Databricks has.
"use strict";

const { mock } = require("node:test");
const {
  createLakebasePool,
  generateDatabaseCredential,
  getUsernameWithApiLookup,
  getWorkspaceClient,
} = require("@databricks/lakebase");
const { assert, atOnce, fails, promise, run } = require("../../drivers/js/suite.cjs");

const { ADMIN_TOKEN, DATABRICKS_CLIENT_ID, LAKEBASE_EMULATOR_ADMIN, LAKEBASE_ENDPOINT } = process.env;
const MINUTE = 60_000;

/** Asks the emulator's admin API for something. */
async function tell(method, path, body) {
  const answer = await fetch(LAKEBASE_EMULATOR_ADMIN + path, { method, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  const text = await answer.text();
  return text && JSON.parse(text);
}

/** How many credentials were bought so far. */
const bought = async () => (await tell("GET", "/counts")).credentials;

// The machine's own clock, and how far Lakebase's is ahead of it, in milliseconds.
const machine = Date.now;
let ahead = 0;

/** What time it is for Lakebase. */
const now = () => machine() + ahead;

/** Sets this program's clock, which stands still otherwise, by Lakebase's, which does not. */
const follow = () => mock.timers.setTime(now());

/** Lets time pass, for Lakebase and for this program. */
async function pass(minutes) {
  await tell("POST", "/clock", { advance_s: minutes * 60 });
  ahead += minutes * MINUTE;
  follow();
}

/** Gives `work` a pool and closes it. */
async function withPool(config, work) {
  follow();
  const pool = createLakebasePool({ logger: { error: false }, ...config });
  try {
    await work(pool);
  } finally {
    await pool.end();
  }
}

const who = async (pool) => (await pool.query("SELECT current_user")).rows[0].current_user;

promise("the environment is enough", () =>
  withPool({}, async (pool) => {
    assert.equal(await who(pool), DATABRICKS_CLIENT_ID);
    assert.equal(await getUsernameWithApiLookup(), DATABRICKS_CLIENT_ID);
  }));

promise("a credential has the shape it looks for", async () => {
  const request = { endpoint: LAKEBASE_ENDPOINT };
  const before = now();
  const found = await generateDatabaseCredential(getWorkspaceClient({}), request);
  assert.equal(found.token.split(".").length, 3);
  const bought = new Date(found.expire_time).getTime() - 60 * MINUTE;
  // It is told in whole seconds.
  assert.ok(before - 1_000 < bought && bought <= now(), `${bought - before}`);
});

promise("a server that nobody vouches for is refused", async () => {
  for (const certificate of ["unknown_authority", "wrong_name", "expired"]) {
    await tell("POST", "/faults/postgres", { certificate });
    await withPool({}, async (pool) => {
      await assert.rejects(who(pool), /certificate|altnames/i);
    });
  }
  await tell("DELETE", "/faults");
});

promise("connections that come at once share one token", () =>
  withPool({}, async (pool) => {
    const before = await bought();
    const clients = await atOnce(10, () => pool.connect());
    const users = await Promise.all(clients.map(who));
    assert.deepEqual(users, Array(10).fill(DATABRICKS_CLIENT_ID));
    clients.forEach((client) => client.release());
    assert.equal((await bought()) - before, 1);
  }));

promise("the token is renewed two minutes before its end, and connections outlive it", () =>
  withPool({}, async (pool) => {
    const before = await bought();
    const first = await pool.connect();
    await pass(57);
    const second = await pool.connect();
    assert.equal((await bought()) - before, 1);
    await pass(2);
    const third = await pool.connect();
    assert.equal((await bought()) - before, 2);
    await pass(30);
    for (const client of [first, second, third]) {
      assert.equal(await who(client), DATABRICKS_CLIENT_ID);
      client.release();
    }
  }));

promise("for a day, every new connection logs in", () =>
  withPool({}, async (pool) => {
    for (let hour = 0; hour < 24; hour += 1) {
      const client = await pool.connect();
      assert.equal(await who(client), DATABRICKS_CLIENT_ID);
      client.release(true); // The next one is a new one.
      await pass(60);
    }
  }));

promise("an endpoint's uid in place of its id is not found", () =>
  withPool({ endpoint: LAKEBASE_ENDPOINT.replace("primary", "ep-uid") }, async (pool) => {
    await assert.rejects(who(pool), /endpoint id not found/);
  }));

promise("a compute that sleeps is woken by the first connection", async () => {
  await tell("POST", "/faults/postgres", { suspend: { wake_ms: 50 } });
  await withPool({}, async (pool) => assert.equal(await who(pool), DATABRICKS_CLIENT_ID));
});

promise("a person logs in by a personal access token, and a native role by its password", async () => {
  delete process.env.DATABRICKS_CLIENT_ID;
  delete process.env.DATABRICKS_CLIENT_SECRET;
  process.env.DATABRICKS_TOKEN = ADMIN_TOKEN;
  const user = await getUsernameWithApiLookup();
  assert.equal(user, "admin@example.com");
  await withPool({ user }, async (pool) => {
    assert.equal(await who(pool), user);
    await pool.query("CREATE ROLE native LOGIN PASSWORD 'of the suite'");
  });
  const native = { user: "native", endpoint: undefined };
  await withPool({ ...native, password: "of the suite" }, async (pool) => {
    assert.equal(await who(pool), "native");
  });
  await withPool({ ...native, password: "wrong" }, (pool) => fails("28P01", who(pool)));
});

mock.timers.enable({ apis: ["Date"], now: now() });
run();
