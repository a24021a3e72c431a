import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitCredentials } from '../types.ts';
import type { ConfigEntry } from './git-process.ts';
import type { RemoteUrl } from './remote-url.ts';

/** What lets one git call in. Nothing of it is in the command line or in a configuration file. */
export interface Access {
  readonly config: readonly ConfigEntry[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface AccessOptions {
  readonly remote: RemoteUrl;
  readonly credentials: GitCredentials | undefined;
  readonly proxy: string | undefined;
  /** See `pinForCurl`. */
  readonly pinned: string | undefined;
  /** Folder for the temporary folder that keys and certificates lie in while `use` runs. */
  readonly temporaryParent: string;
}

export const SECRETS_PREFIX = 'veranda-access-';

/** Prepares what a call needs, runs it, and removes the key files whatever happens. */
export async function withAccess<T>(options: AccessOptions, use: (access: Access) => Promise<T>): Promise<T> {
  const { remote } = options;
  if (remote.kind === 'local') return use({ config: [], environment: {} });
  // mkdtemp makes the folder with mode 0700.
  const folder = await mkdtemp(join(options.temporaryParent, SECRETS_PREFIX));
  try {
    const access = remote.kind === 'ssh' ? await sshAccess(options, folder) : await httpAccess(options, folder);
    return await use(access);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function httpAccess(options: AccessOptions, folder: string): Promise<Access> {
  const { remote, credentials, proxy, pinned } = options;
  const config: ConfigEntry[] = [];
  const authorization = authorizationOf(credentials);
  // Bound to the remote's own origin: git sends it nowhere else.
  if (authorization !== undefined)
    config.push([`http.${originOf(remote)}.extraHeader`, `Authorization: ${authorization}`]);
  if (credentials?.caBundle !== undefined) {
    config.push(['http.sslCAInfo', await secretFile(folder, 'ca.pem', credentials.caBundle)]);
  }
  if (proxy !== undefined) config.push(['http.proxy', proxy]);
  else if (pinned !== undefined) config.push(['http.curloptResolve', pinned]);
  return { config, environment: {} };
}

/** Value of the Authorization header. */
export function authorizationOf(credentials: GitCredentials | undefined): string | undefined {
  if (credentials?.bearerToken !== undefined) return `Bearer ${oneLine(credentials.bearerToken)}`;
  if (credentials?.password === undefined) return undefined;
  // Some hosts refuse an empty user name even where a token alone decides.
  const pair = `${credentials.username || 'git'}:${credentials.password}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/** Secrets often end in a newline, and a newline within one would begin another header. */
function oneLine(secret: string): string {
  return secret.replace(/[\r\n]+/g, '');
}

function originOf({ kind, host, port }: RemoteUrl): string {
  return `${kind}://${host?.includes(':') ? `[${host}]` : host}:${port}/`;
}

async function sshAccess(options: AccessOptions, folder: string): Promise<Access> {
  const { credentials } = options;
  const knownHosts = await secretFile(folder, 'known_hosts', credentials?.sshKnownHosts ?? '');
  const words = [
    'ssh',
    ...['-F', '/dev/null'],
    ...sshOptions({
      BatchMode: 'yes',
      IdentitiesOnly: 'yes',
      IdentityAgent: 'none',
      PasswordAuthentication: 'no',
      KbdInteractiveAuthentication: 'no',
      StrictHostKeyChecking: 'yes',
      UserKnownHostsFile: knownHosts,
      GlobalKnownHostsFile: '/dev/null',
      UpdateHostKeys: 'no',
      ForwardAgent: 'no',
      ClearAllForwardings: 'yes',
      PermitLocalCommand: 'no',
      ConnectTimeout: '20',
      ServerAliveInterval: '15',
      LogLevel: 'ERROR',
    }),
  ];
  const key = credentials?.sshPrivateKey;
  if (key !== undefined) words.push('-i', await secretFile(folder, 'key', key.endsWith('\n') ? key : `${key}\n`));
  else words.push(...sshOptions({ IdentityFile: '/dev/null' }));
  return { config: [], environment: { GIT_SSH_COMMAND: words.map(quote).join(' '), GIT_SSH_VARIANT: 'ssh' } };
}

function sshOptions(options: Readonly<Record<string, string>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

/** GIT_SSH_COMMAND is read by a shell. */
function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

async function secretFile(folder: string, name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content, { mode: 0o600, flag: 'wx' });
  return path;
}
