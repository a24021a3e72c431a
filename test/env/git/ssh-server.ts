import { execFile, spawn } from 'node:child_process';
import { access, chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../free-port.ts';

const run = promisify(execFile);
const SSHD = '/usr/sbin/sshd';

export interface SshServer {
  readonly port: number;
  readonly privateKey: string;
  readonly knownHosts: string;
  /** `ssh://` address of a repository by its absolute path. */
  url(path: string): string;
  close(): Promise<void>;
}

/** An sshd for the current user on 127.0.0.1 that takes one key; `undefined` where sshd is not installed. */
export async function startSshd(): Promise<SshServer | undefined> {
  if (!(await exists(SSHD))) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'veranda-sshd-'));
  await chmod(folder, 0o700);
  const key = async (name: string) => {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', join(folder, name)]);
    return {
      secret: await readFile(join(folder, name), 'utf8'),
      open: await readFile(join(folder, `${name}.pub`), 'utf8'),
    };
  };
  const host = await key('host');
  const client = await key('client');
  const port = await freePort();
  await writeFile(join(folder, 'authorized_keys'), client.open, { mode: 0o600 });
  await writeFile(join(folder, 'sshd_config'), configuration(folder, port));
  // sshd insists on its separation folder when root runs it.
  await mkdir('/run/sshd', { recursive: true, mode: 0o755 }).catch(() => undefined);
  const child = spawn(SSHD, ['-D', '-e', '-f', join(folder, 'sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  await listening(child.stderr);
  child.stderr.resume();
  return {
    port,
    privateKey: client.secret,
    knownHosts: `[127.0.0.1]:${port} ${host.open}`,
    url: (path) => `ssh://${userInfo().username}@127.0.0.1:${port}${path}`,
    close: async () => {
      const gone = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGTERM');
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configuration(folder: string, port: number): string {
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(folder, 'host')}`,
    `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
    'PidFile none',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'StrictModes no',
    'PermitRootLogin prohibit-password',
    'AcceptEnv GIT_PROTOCOL',
  ];
  return `${lines.join('\n')}\n`;
}

async function listening(stderr: NodeJS.ReadableStream): Promise<void> {
  let text = '';
  await new Promise<void>((resolve, reject) => {
    stderr.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('Server listening')) resolve();
    });
    stderr.once('end', () => reject(new Error(`sshd did not start: ${text}`)));
  });
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
