import { spawn } from 'node:child_process';
import { TransientError } from '../api/errors.ts';
import type { RegistryCredentials } from './credentials.ts';
import type { CredentialHelper } from './docker-config.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const MAX_OUTPUT = 64 * 1024;
const DEADLINE_MS = 30_000;
/** What a helper prints, by its protocol, when it has nothing for a server. */
const NOT_FOUND = 'credentials not found in native keychain';

/**
 * Asks `docker-credential-<name> get` for credentials: the server goes to its standard input, JSON comes back. No shell is
 * involved, and nothing that it prints gets into a message.
 * @param env environment of the program; its PATH says where programs are looked for
 * @throws by the helper: TransientError CredentialHelperFailed; the signal's reason
 */
export function credentialHelpers(env: Readonly<Record<string, string | undefined>>): CredentialHelper {
  return async (name, server, signal) => {
    if (!NAME.test(name)) throw failed(JSON.stringify(name), 'is no name of a credential helper');
    const program = `docker-credential-${name}`;
    const { exitCode, output } = await runHelper(program, server, env, signal);
    if (exitCode === 0) return readAnswer(program, output);
    if (output.trim() === NOT_FOUND) return undefined;
    throw failed(program, `ended with exit code ${exitCode}`);
  };
}

function readAnswer(program: string, output: string): RegistryCredentials | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(output);
  } catch {
    // The parser's message quotes the text, which is secret.
    throw failed(program, 'printed no JSON');
  }
  const { Username: username, Secret: secret } = (answer ?? {}) as { Username?: unknown; Secret?: unknown };
  if (typeof username !== 'string' || typeof secret !== 'string') throw failed(program, 'printed no credentials');
  if (secret === '') return undefined;
  return username === '<token>' ? { identityToken: secret } : { username, password: secret };
}

async function runHelper(
  program: string,
  server: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<{ readonly exitCode: number | null; readonly output: string }> {
  signal.throwIfAborted();
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  const child = spawn(program, ['get'], {
    env,
    stdio: ['pipe', 'pipe', 'ignore'],
    signal: AbortSignal.any([signal, deadline]),
    killSignal: 'SIGKILL',
  });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject);
  child.once('close', resolve);
  // A program that does not read closes the pipe, which is its right.
  child.stdin.on('error', () => undefined);
  child.stdin.end(`${server}\n`);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.length > MAX_OUTPUT) child.kill('SIGKILL');
  });
  try {
    const exitCode = await promise;
    if (output.length > MAX_OUTPUT) throw failed(program, 'printed too much');
    return { exitCode, output };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TransientError) throw error;
    throw failed(program, deadline.aborted ? `did not end within ${DEADLINE_MS / 1000} s` : 'could not be run');
  }
}

function failed(program: string, what: string): TransientError {
  return new TransientError('CredentialHelperFailed', `${program} ${what}`);
}
