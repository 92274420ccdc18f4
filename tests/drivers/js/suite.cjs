// What the suites in JavaScript share: promises, told one by one, and the server's own view.
"use strict";

const assert = require("node:assert/strict");

// Whose sessions these are in the end, whatever name the driver logged in with.
const ROLE = process.env.LOGIN_ROLE;
const DATABASE = process.env.LOGIN_DATABASE;

// How long anything may take on a busy machine before it is called hung, in milliseconds.
const DEADLINE = 60_000;

/**
 * Which sessions are within pg_sleep, as the server tells it. It is not enough that the query is
 * active: that it is while it is prepared, and a cancel request that comes before it is executed
 * cancels nothing.
 */
const isAsleep = (words) =>
  `SELECT count(*)::int AS count FROM pg_stat_activity
   WHERE wait_event = 'PgSleep' AND query LIKE '%${words}%'`;

const promises = [];

/** Makes a function one of the suite's promises, kept in the order they are written in. */
function promise(words, keep) {
  promises.push([words, keep]);
}

/** Tries every promise, tells each that holds, and ends with the first that does not. */
async function run() {
  for (const [words, keep] of promises) {
    const hung = setTimeout(() => end(words, new Error("it never ends")), DEADLINE);
    try {
      await keep();
    } catch (error) {
      end(words, error);
    }
    clearTimeout(hung);
    console.log("kept:", words);
  }
}

function end(words, error) {
  console.error(error);
  console.error("broken:", words);
  process.exit(1);
}

/** Fails unless `work` is refused with this SQLSTATE. */
async function fails(code, work) {
  await assert.rejects(work, (error) => {
    assert.equal(error.code, code, error);
    return true;
  });
}

/**
 * What `ask` finds, asked again as long as the session's own time limit ends it: on a busy machine
 * anything may take longer than that.
 */
async function inTime(ask) {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      assert.equal(error.code, "57014", error);
    }
  }
}

/** All of these numbers' promises, at once. */
const atOnce = (count, work) => Promise.all(Array.from({ length: count }, (_, n) => work(n)));

/** `[0, count)` */
const range = (count) => Array.from({ length: count }, (_, n) => n);

module.exports = { DATABASE, ROLE, assert, atOnce, fails, inTime, isAsleep, promise, range, run };
