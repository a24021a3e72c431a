import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeServerCertificate, type ServerCertificate } from '../git/certificates.ts';
import { type Service, startService } from '../service.ts';
import { startTokenServer, type TokenServer } from './token-server.ts';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export interface RegistryOptions {
  /** Basic authentication with one user. */
  readonly htpasswd?: Credentials;
  /** HTTPS with a certificate for `localhost` and 127.0.0.1 of an authority of its own. */
  readonly tls?: boolean;
  /** Bearer tokens from a token server that lets this user in, and anonymous clients to what `anonymousPull` says. */
  readonly tokenAuth?: Credentials & { readonly anonymousPull?: boolean };
}

export interface Registry {
  /** `http://127.0.0.1:PORT`, or `https://localhost:PORT` */
  readonly url: string;
  /** What image names begin with: `127.0.0.1:PORT`, or `localhost:PORT` over TLS. */
  readonly host: string;
  /** Its authority as PEM, and a file that holds the same. */
  readonly ca?: string;
  readonly caFile?: string;
  readonly credentials?: Credentials;
  readonly tokenServer?: TokenServer;
  /** Folder with its content. */
  readonly storage: string;
  /** Its log, which has a line for each request. */
  log(): string;
  stop(): Promise<void>;
}

const START_MILLISECONDS = 20_000;

/** Debian's docker-registry on a free port of 127.0.0.1 with a storage of its own. Deleting is allowed. */
export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const directory = await mkdtemp(join(tmpdir(), 'veranda-registry-'));
  const storage = join(directory, 'storage');
  const certificate = options.tls ? await makeServerCertificate() : undefined;
  const tokenServer = options.tokenAuth && (await startTokenServer(options.tokenAuth, directory));
  let service: Service | undefined;
  const stop = async () => {
    await service?.stop();
    await tokenServer?.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const config = {
      version: '0.1',
      log: { accesslog: { disabled: false } },
      storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
      http: { addr: '127.0.0.1:0', ...(certificate && { tls: await writeCertificate(directory, certificate) }) },
      ...(options.htpasswd && { auth: { htpasswd: await writePasswords(directory, options.htpasswd) } }),
      ...(tokenServer && { auth: { token: tokenServer.registryAuth } }),
    };
    const configFile = join(directory, 'config.yml');
    await writeFile(configFile, JSON.stringify(config));
    const registry = await startService('docker-registry', ['docker-registry', 'serve', configFile], {
      logFile: join(directory, 'log'),
    });
    service = registry;
    const port = await registry.waitFor(
      'its port',
      () => /listening on [^"]*:(\d+)/.exec(registry.output())?.[1],
      START_MILLISECONDS,
    );
    const host = certificate ? `localhost:${port}` : `127.0.0.1:${port}`;
    return {
      url: `${certificate ? 'https' : 'http'}://${host}`,
      host,
      ...(certificate && { ca: certificate.ca, caFile: join(directory, 'ca.pem') }),
      credentials: options.htpasswd ?? options.tokenAuth,
      tokenServer,
      storage,
      log: () => registry.output(),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Puts other bytes of the same length into a registry's own files. Returns what puts the right ones back. */
export async function damageBlob({ storage }: Pick<Registry, 'storage'>, digest: string): Promise<() => Promise<void>> {
  const hash = digest.replace('sha256:', '');
  const path = join(storage, 'docker/registry/v2/blobs/sha256', hash.slice(0, 2), hash, 'data');
  const bytes = await readFile(path);
  const damaged = Buffer.from(bytes);
  damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1);
  await writeFile(path, damaged);
  return async () => await writeFile(path, bytes);
}

async function writeCertificate(directory: string, { ca, cert, key }: ServerCertificate) {
  await writeFile(join(directory, 'ca.pem'), ca);
  await writeFile(join(directory, 'server.pem'), cert);
  await writeFile(join(directory, 'server.key'), key, { mode: 0o600 });
  return { certificate: join(directory, 'server.pem'), key: join(directory, 'server.key') };
}

async function writePasswords(directory: string, { user, password }: Credentials) {
  const path = join(directory, 'htpasswd');
  await writeFile(path, `${user}:${await bcrypt(password)}\n`, { mode: 0o600 });
  return { realm: 'test', path };
}

/** The registry takes bcrypt only, which Node lacks; the C library of Debian has it and its basic system has Perl. */
async function bcrypt(password: string): Promise<string> {
  const program = 'chomp(my $p = <STDIN>); print crypt($p, q($2b$05$abcdefghijklmnopqrstuu))';
  return await new Promise((resolve, reject) => {
    const child = execFile('perl', ['-e', program], (error, stdout) => {
      if (error !== null) reject(error);
      else if (stdout.startsWith('$2b$')) resolve(stdout);
      else reject(new Error('the crypt function of this machine has no bcrypt'));
    });
    child.stdin?.end(`${password}\n`);
  });
}
