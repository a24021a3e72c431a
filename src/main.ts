import { runCli } from './cli/program.ts';

const stopping = new AbortController();
const signals = ['SIGINT', 'SIGTERM'] as const;

/** The first signal asks for an orderly end; the next one has its usual effect. */
function onSignal(signal: NodeJS.Signals): void {
  for (const name of signals) process.removeListener(name, onSignal);
  stopping.abort(new Error(`stopped by ${signal}`));
}
for (const name of signals) process.on(name, onSignal);

/** Who reads no further, as `head` does, is no fault of ours. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const LEFTOVERS_MS = 2_000;

process.exitCode = await runCli({
  argv: process.argv,
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  cwd: process.cwd(),
  signal: stopping.signal,
  endSoon: (exitCode) => void setTimeout(() => process.exit(exitCode), LEFTOVERS_MS).unref(),
});
