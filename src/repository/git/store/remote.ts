import type { CallOptions } from '../../types.ts';
import type { GitRemoteOptions, RefMap, RefUpdate } from '../types.ts';
import { authorizationOf, withAccess } from './access.ts';
import { guardAddress, pinForCurl, type ResolveHost } from './address-guard.ts';
import { SmartHttp } from './direct/smart-http.ts';
import { classifyFailure, type FailureReason, failureError } from './failure.ts';
import { type GitResult, runGit } from './git-process.ts';
import { parseListing } from './listing.ts';
import type { RemoteUrl } from './remote-url.ts';

const DEFAULT_TIMEOUT_MS = 60_000;
/** A list of refs is short, and many wait for it: what takes longer hangs. */
const LIST_TIMEOUT_MS = 20_000;

interface RemoteCall {
  /** Bare repository that the command works on. */
  readonly directory: string;
  readonly args: (url: string) => readonly string[];
  readonly input?: string;
  readonly signal?: AbortSignal;
  /** At most so long; the deadline of every call holds as well. */
  readonly timeoutMs?: number;
}

/** A git call that ended by itself; `failure` is absent when it succeeded. */
export interface RemoteResult extends GitResult {
  readonly failure?: FailureReason;
}

/** The network side of one remote: each method is one run of git (two when credentials or the path need another try). */
export class Remote {
  readonly url: RemoteUrl;
  readonly #options: GitRemoteOptions;
  readonly #resolve: ResolveHost;
  /** Some hosts answer the address without `.git` by a redirect to the one with it. */
  #suffix: '' | '.git' = '';

  constructor(url: RemoteUrl, options: GitRemoteOptions, resolve: ResolveHost) {
    this.url = url;
    this.#options = options;
    this.#resolve = resolve;
  }

  /** @throws TransientError, TerminalError as `failureError` */
  async list(directory: string, options: CallOptions = {}): Promise<RefMap> {
    const result = await this.#run({
      directory,
      args: (url) => ['ls-remote', '--heads', '--tags', '--end-of-options', url],
      signal: options.signal,
      timeoutMs: LIST_TIMEOUT_MS,
    });
    if (result.failure !== undefined) throw failureError(result.failure, this.url, result.stderr);
    return parseListing(result.stdout);
  }

  /** @param refspecs without patterns; both sides are ours or checked */
  fetch(
    directory: string,
    refspecs: readonly string[],
    options: CallOptions & { readonly shallow?: boolean } = {},
  ): Promise<RemoteResult> {
    const flags = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--no-auto-maintenance'];
    if (options.shallow) flags.push('--depth=1');
    return this.#run({
      directory,
      args: (url) => ['fetch', ...flags, '--stdin', '--end-of-options', url],
      input: refspecs.map((spec) => `${spec}\n`).join(''),
      signal: options.signal,
    });
  }

  push(
    directory: string,
    updates: readonly RefUpdate[],
    options: CallOptions & { readonly atomic: boolean },
  ): Promise<RemoteResult> {
    const flags = ['--porcelain', '--no-verify', '--no-follow-tags', '--recurse-submodules=no'];
    if (options.atomic) flags.push('--atomic');
    const leases = updates.map(({ ref, expected }) => `--force-with-lease=${ref}:${expected ?? ''}`);
    const refspecs = updates.map(({ ref, target }) => `${target ?? ''}:${ref}`);
    return this.#run({
      directory,
      args: (url) => ['push', ...flags, ...leases, '--end-of-options', url, ...refspecs],
      signal: options.signal,
    });
  }

  /**
   * For requests of our own. Undefined where git alone has the way: another transport, a proxy.
   * @throws as `guardAddress`
   */
  async connect({ signal }: CallOptions = {}): Promise<SmartHttp | undefined> {
    const { credentials, proxy, timeoutMs } = this.#options;
    if (!this.url.kind.startsWith('http') || proxy !== undefined) return undefined;
    const addresses = await guardAddress(this.url, this.#resolve);
    const given = await credentials?.();
    return new SmartHttp({
      url: `${this.url.argument}${this.#suffix}`,
      addresses,
      authorization: authorizationOf(given),
      ca: given?.caBundle,
      timeoutMs: timeoutMs ?? DEFAULT_TIMEOUT_MS,
      signal,
    });
  }

  async #run(call: RemoteCall): Promise<RemoteResult> {
    const first = await this.#attempt(call);
    if (first.failure === 'AuthFailed' && this.#options.credentials !== undefined) return this.#attempt(call);
    if (first.failure === 'Redirected' && this.#suffix === '' && !this.url.argument.endsWith('.git')) {
      this.#suffix = '.git';
      const second = await this.#attempt(call);
      if (second.failure !== undefined) this.#suffix = '';
      return second.failure === undefined ? second : first;
    }
    return first;
  }

  async #attempt(call: RemoteCall): Promise<RemoteResult> {
    const { signal } = call;
    const { credentials, proxy, timeoutMs } = this.#options;
    signal?.throwIfAborted();
    const addresses = await guardAddress(this.url, proxy === undefined ? this.#resolve : undefined);
    const access = {
      remote: this.url,
      credentials: await credentials?.(),
      proxy,
      pinned: addresses === undefined ? undefined : pinForCurl(this.url, addresses),
      temporaryParent: call.directory,
    };
    const result = await withAccess(access, ({ config, environment }) =>
      runGit({
        args: call.args(`${this.url.argument}${this.#suffix}`),
        gitDirectory: call.directory,
        input: call.input,
        config,
        environment,
        timeoutMs: Math.min(timeoutMs ?? DEFAULT_TIMEOUT_MS, call.timeoutMs ?? Number.POSITIVE_INFINITY),
        signal,
      }),
    );
    return result.exitCode === 0 ? result : { ...result, failure: classifyFailure(result.stderr) };
  }
}
