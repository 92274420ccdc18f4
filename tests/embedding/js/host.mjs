// A host of the connector in JavaScript, for Node.js 25 or newer.
//
// Loads the component from `folder`, where jco made JavaScript of it, and lends it what it borrows.
// This host wants tokens only, so it lends no Postgres; `bootstrap` would need it.
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

export async function connect(folder) {
  const { instantiate } = await import(pathToFileURL(resolve(folder, 'connector.js')));
  const compile = async (name) => WebAssembly.compile(await readFile(join(folder, name)));
  return instantiate(compile, {
    'lakegate:connect/clock': { now, sleep },
    'lakegate:connect/control-plane': { send },
    'lakegate:connect/notices': { tell: (level, text) => console.error(`${level}: ${text}`) },
    'lakegate:connect/postgres': { Connection },
    'lakegate:connect/random': { draw: () => crypto.getRandomValues(new BigUint64Array(1))[0] },
    'lakegate:connect/secrets': { get: (name) => process.env[name], read },
    'lakegate:connect/settings': {
      get: (origin, name) => (origin === 'environment' ? process.env[name] : undefined),
    },
  });
}

// An import fails by throwing: jco takes the error of WIT from `payload`.
const failure = (tag, val) => Object.assign(new Error(val ?? tag), { payload: { tag, val } });

const now = () => ({ wall: BigInt(Date.now()), monotonic: BigInt(Math.trunc(performance.now())) });

// A timer holds 24 days at most; longer waits are waits in a row.
const DAY = 86_400_000;
async function sleep(milliseconds) {
  for (let left = Number(milliseconds); left > 0; left -= DAY) await wait(Math.min(left, DAY));
}

const BODY_LIMIT = 4 << 20; // The largest answer that the component takes.
async function send({ method, url, headers }, authorization, body) {
  if (!url.startsWith('https://')) throw failure('forbidden', 'this host speaks HTTPS only');
  if (authorization) headers = [...headers, ['authorization', authorization]];
  const limits = { redirect: 'manual', signal: AbortSignal.timeout(30_000) };
  try {
    const answer = await fetch(url, { method, headers, body, ...limits });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (bytes.length <= BODY_LIMIT) {
      return { status: answer.status, headers: [...answer.headers], body: bytes };
    }
  } catch (error) {
    if (error.name === 'TimeoutError') throw failure('timeout');
    const cause = error.cause ?? error;
    throw failure(/CERT|SIGNATURE|TLS/.test(cause.code) ? 'tls' : 'unreachable', cause.message);
  }
  throw failure('too-large');
}

function read() {
  throw failure('forbidden', 'this host reads no files');
}

class Connection {
  static async open() {
    throw failure('other', 'this host lends no Postgres connections');
  }
}
