// Calls of every kind that overlap in one instance, for the test: prints what came of each.
import { connect } from './host.mjs';

// Minutes pass at once, for the emulator and for the clocks that the host reads.
let ahead = 0;
for (const clock of [Date, performance]) {
  const now = clock.now.bind(clock);
  clock.now = () => now() + ahead;
}
async function pass(minutes) {
  const body = JSON.stringify({ advance_s: minutes * 60 });
  const answer = await fetch(`${process.env.LAKEBASE_EMULATOR_ADMIN}/clock`, {
    method: 'POST',
    body,
  });
  if (!answer.ok) throw new Error(await answer.text());
  ahead += minutes * 60_000;
}

const many = (call) => Promise.all(Array.from({ length: 32 }, call));
const generations = (credentials) => [...new Set(credentials.map((c) => Number(c.generation)))];

const { tokens } = await connect(process.argv[2]);
const first = await many(() => tokens.current());
await pass(20); // A token that is no longer fresh may be refused for being old.
const refusal = { code: '28P01', message: 'password authentication failed' };
const [refused] = await Promise.all([
  many(() => tokens.refused(1n, refusal)),
  many(() => tokens.current()),
]);
await pass(51); // The next is due for its refresh, and serves meanwhile.
const [renewed] = await Promise.all([
  many(() => tokens.renewed(2n)),
  many(() => tokens.current()),
]);
const calls = { first, refused, renewed };
for (const name in calls) calls[name] = generations(calls[name]);
console.log(JSON.stringify(calls));
process.exit(0);
