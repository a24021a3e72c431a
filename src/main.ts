import { runCli } from './cli/program.ts';

process.exitCode = await runCli({
  argv: process.argv,
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  cwd: process.cwd(),
});
