// Corrects the JavaScript that jco 1.33 to 1.35 make of a component:
//
//   jco transpile connector.wasm --instantiation async --name connector --out-dir connector
//   node jco-fix.mjs connector/connector.js
//
// Their lock between the calls of one instance is handed on in a microtask. When somebody else was
// quicker, that microtask queues itself again until the lock is free, and no timer and no answer
// from the network, for which the owner waits, is ever looked at: overlapping calls hang. Without
// that one line the owner's release hands the lock on, as it does anyway.
import { readFile, writeFile } from 'node:fs/promises';

const [, , path] = process.argv;
const spinning = /(if \(this\.#lockHolderTaskID !== null\) \{\s*)this\.#scheduleLockHandoff\(\);\s*(return;)/g;
const generated = await readFile(path, 'utf8');
await writeFile(path, generated.replace(spinning, '$1$2'));
