// Asks for the database credential and prints it as JSON:
//
//   node token.mjs connector
import { connect } from './host.mjs';

const { tokens } = await connect(process.argv[2]);
try {
  // One instance serves any number of callers at once: these share one mint.
  const credentials = await Promise.all(Array.from({ length: 16 }, () => tokens.current()));
  const { user, expiresAt, generation } = credentials[0];
  const token = await tokens.reveal(generation);
  const generations = credentials.map((credential) => Number(credential.generation));
  console.log(JSON.stringify({ user, token, expires_at: Number(expiresAt), generations }));
  process.exit(0); // Timers that the component needs no more would keep the process for a while.
} catch ({ payload }) {
  console.error(`Error: ${payload.message}\n${payload.advice}`);
  process.exit(1);
}
