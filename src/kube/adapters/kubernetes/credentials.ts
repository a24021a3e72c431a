import { readFile } from 'node:fs/promises';
import type { Agent } from 'node:http';
import type { RequestOptions } from 'node:https';
import path from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { errorMessage, TerminalError, TransientError } from '../../../api/errors.ts';
import { readValue } from '../../../krm/fast-reader.ts';
import type { KrmValue } from '../../../krm/value.ts';
import { isMap } from '../../json.ts';

/** TLS options as Node and undici take them. */
export interface TlsOptions {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly passphrase?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** How to reach the server with a request made now. */
export interface Access {
  /** Base URL without a slash at its end. */
  readonly server: string;
  /** Authorization and impersonation; secret. */
  readonly headers: { readonly [name: string]: string | string[] };
  readonly tls: TlsOptions;
  readonly proxyUrl?: string;
  /** For WebSockets through the proxy. */
  readonly proxyAgent?: Agent;
}

export interface Credentials {
  readonly server: string;
  /** The namespace of the context, or of the service account. */
  readonly namespace: string | undefined;
  /**
   * May read files or run an exec plugin; answers from memory for some seconds.
   * @throws TransientError CredentialsUnavailable
   */
  access(): Promise<Access>;
  /** The server has refused what `access` gave last: forget it. */
  refused(): void;
}

export interface CredentialsSource {
  /** Path of a kubeconfig file. Absent: the service account of the pod that this runs in. */
  readonly kubeconfig?: string;
  /** Default: the file's current context. */
  readonly context?: string;
  /** Milliseconds of a clock that does not jump. */
  readonly now?: () => number;
}

/** How long an answer is kept: tokens and certificates in files are replaced long before they expire. */
const KEEP_MS = 30_000;

/**
 * Credentials of a kubeconfig file or a service account. Whatever is rotated in files, the kubeconfig file itself among
 * it, is seen within half a minute, and at once when the server refuses what was read before.
 * @throws TerminalError InvalidKubeconfig when the source is no use from the start
 */
export async function loadCredentials(source: CredentialsSource): Promise<Credentials> {
  try {
    const loaded = await load(source);
    return new ConfiguredCredentials(source, loaded);
  } catch (error) {
    if (error instanceof TerminalError) throw error;
    const file = source.kubeconfig;
    throw new TerminalError('InvalidKubeconfig', `the kubeconfig cannot be used: ${errorMessage(error)}`, { file });
  }
}

interface Loaded {
  readonly config: KubeConfig;
  readonly server: string;
  readonly namespace: string | undefined;
  /** A plugin gives the credentials and knows when they expire: not to be run for each look. */
  readonly usesPlugin: boolean;
  /** As which the user acts. */
  readonly groups: readonly string[];
}

class ConfiguredCredentials implements Credentials {
  readonly server: string;
  readonly namespace: string | undefined;
  readonly #source: CredentialsSource;
  readonly #now: () => number;
  #loaded: Loaded;
  #answer: { readonly at: number; readonly access: Promise<Access> } | undefined;
  #mustLoad = false;

  constructor(source: CredentialsSource, loaded: Loaded) {
    this.#source = source;
    this.#now = source.now ?? (() => performance.now());
    this.#loaded = loaded;
    this.server = loaded.server;
    this.namespace = loaded.namespace;
  }

  async access(): Promise<Access> {
    const now = this.#now();
    if (!this.#answer || now - this.#answer.at > KEEP_MS) {
      const isFirst = this.#answer === undefined && !this.#mustLoad;
      this.#answer = { at: now, access: this.#read(!isFirst) };
    }
    const answer = this.#answer;
    try {
      return await answer.access;
    } catch (error) {
      if (this.#answer === answer) this.#answer = undefined;
      this.#mustLoad = true;
      throw new TransientError('CredentialsUnavailable', `cannot get credentials: ${errorMessage(error)}`, {
        cause: error,
      });
    }
  }

  refused(): void {
    this.#answer = undefined;
    this.#mustLoad = true;
  }

  async #read(again: boolean): Promise<Access> {
    if (this.#mustLoad || (again && !this.#loaded.usesPlugin)) this.#loaded = await load(this.#source);
    this.#mustLoad = false;
    return await accessOf(this.#loaded);
  }
}

async function load({ kubeconfig, context }: CredentialsSource): Promise<Loaded> {
  // Loading takes most of a second: nothing but a command that talks to a cluster pays for it.
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
  const config = new KubeConfig();
  let entries: ReadonlyMap<string, UserEntry> = new Map();
  if (kubeconfig === undefined) {
    config.loadFromCluster();
  } else {
    const text = await readFile(kubeconfig, 'utf8');
    const directory = path.dirname(path.resolve(kubeconfig));
    config.loadFromString(text);
    config.makePathsAbsolute(directory);
    if (context !== undefined) config.setCurrentContext(context);
    entries = userEntries(text, directory);
    useTokenFiles(config, entries);
  }
  const [cluster, user] = [config.getCurrentCluster(), config.getCurrentUser()];
  if (!cluster) {
    const what = `it has no cluster for the context ${config.getCurrentContext() || '(none)'}`;
    throw new TerminalError('InvalidKubeconfig', `the kubeconfig cannot be used: ${what}`, { file: kubeconfig });
  }
  const server = cluster.server.replace(/\/+$/, '');
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace;
  const usesPlugin = user?.exec !== undefined && user.exec !== null;
  const groups = (user && entries.get(user.name)?.groups) ?? [];
  return { config, server, namespace, usesPlugin, groups };
}

/** What client-node does not read of a kubeconfig's users. */
interface UserEntry {
  readonly tokenFile?: string;
  readonly groups: readonly string[];
}

function userEntries(text: string, directory: string): ReadonlyMap<string, UserEntry> {
  const root: KrmValue = readValue(text);
  const users = isMap(root) && Array.isArray(root.users) ? root.users : [];
  const entries = new Map<string, UserEntry>();
  for (const entry of users) {
    if (!isMap(entry) || !isMap(entry.user) || typeof entry.name !== 'string') continue;
    const { tokenFile, 'as-groups': asGroups } = entry.user;
    entries.set(entry.name, {
      groups: Array.isArray(asGroups) ? asGroups.map(String) : [],
      ...(typeof tokenFile === 'string' ? { tokenFile: path.resolve(directory, tokenFile) } : {}),
    });
  }
  return entries;
}

function useTokenFiles(config: KubeConfig, entries: ReadonlyMap<string, UserEntry>): void {
  config.users = config.users.map((user) => {
    const tokenFile = entries.get(user.name)?.tokenFile;
    if (tokenFile === undefined) return user;
    // As in a client of Go, the file wins over a token beside it.
    const { token: _token, ...rest } = user;
    return { ...rest, authProvider: { name: 'tokenFile', config: { tokenFile } } };
  });
}

async function accessOf({ config, server, groups }: Loaded): Promise<Access> {
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = String(value);
  if (groups.length > 0) headers['Impersonate-Group'] = [...groups];
  if (typeof options.auth === 'string') headers.Authorization = `Basic ${btoa(options.auth)}`;
  const proxyUrl = config.getCurrentCluster()?.proxyUrl;
  const tls: TlsOptions = {
    ...(isPem(options.ca) ? { ca: options.ca } : {}),
    ...(isPem(options.cert) ? { cert: options.cert } : {}),
    ...(isPem(options.key) ? { key: options.key } : {}),
    ...(options.passphrase === undefined ? {} : { passphrase: options.passphrase }),
    ...(options.servername === undefined ? {} : { servername: options.servername }),
    ...(options.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: options.rejectUnauthorized }),
  };
  if (!proxyUrl) return { server, headers, tls };
  return { server, headers, tls, proxyUrl, ...(isMap(options.agent) ? { proxyAgent: options.agent as Agent } : {}) };
}

function isPem(value: unknown): value is string | Buffer {
  return typeof value === 'string' || Buffer.isBuffer(value);
}
