import { randomUUID } from 'node:crypto';
import { TerminalError, TransientError } from '../api/errors.ts';
import type { FunctionInput, FunctionOutput, FunctionRuntime, RunContext, Runner } from '../functions/types.ts';
import { type ChildResult, runChild } from './child-process.ts';
import { highestInRange, type WantedImage, wantedImage } from './container-image.ts';
import { toOutput } from './process.ts';
import { encodeInput, MAX_WIRE_BYTES } from './wire-format.ts';

export type PullPolicy = 'always' | 'missing' | 'never';

export interface ContainerRuntimeOptions {
  /** Command line client: `docker`, `podman` or `nerdctl`. */
  readonly engine: string;
  readonly pullPolicy: PullPolicy;
  /** Gives functions the network of this machine; else they have none. */
  readonly allowNetwork: boolean;
  /** Memory of one function as the engine writes it. Default `512m`. */
  readonly memory?: string;
  /** Environment of the client; nothing of it reaches a function. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Makes the names of containers. Default: random. */
  readonly uniqueName?: () => string;
}

/** Exit code of the clients for faults of their own: no daemon, no image, a wrong option. */
const ENGINE_FAULT = 125;
/** Milliseconds for removing a container and for listing images. */
const CLIENT_TIME = 10_000;
/** What clients say on standard error while they pull. */
const PULL_CHATTER =
  /^(?:Unable to find image|Trying to pull |Getting image source|Copying (?:blob|config)|Writing manifest|Storing signatures|[\w.-]+: Pulling from |[0-9a-f]{12}: |Digest: sha256:|Status: (?:Downloaded|Image is up to date)|(?:Run|See) 'docker run --help')/;

/** Runs every image as a container without network, as nobody, with a memory limit and no way to gain privileges. */
export function createContainerRuntime(options: ContainerRuntimeOptions): FunctionRuntime {
  return {
    name: 'container',
    runner(spec) {
      const wanted = wantedImage(spec);
      return wanted === undefined ? undefined : new ContainerRunner(wanted, options);
    },
  };
}

class ContainerRunner implements Runner {
  readonly runtime = 'container';
  readonly identity: string | undefined;
  readonly #wanted: WantedImage;
  readonly #options: ContainerRuntimeOptions;
  #suffix: string | undefined;

  constructor(wanted: WantedImage, options: ContainerRuntimeOptions) {
    this.#wanted = wanted;
    this.#options = options;
    this.#suffix = wanted.suffix;
    this.identity = /@(.+)$/.exec(wanted.suffix ?? '')?.[1];
  }

  get resolved(): string {
    return `${this.#wanted.name}${this.#suffix ?? `:${this.#wanted.tag ?? ''}`}`;
  }

  async run(input: FunctionInput, { signal }: RunContext): Promise<FunctionOutput> {
    const text = encodeInput(input);
    this.#suffix ??= `:${await this.#highestLocalTag(signal)}`;
    const name = `veranda-fn-${(this.#options.uniqueName ?? randomUUID)()}`;
    try {
      const { exitCode, stdout, stderr } = await this.#client(this.#runArguments(name), text, signal);
      const told = withoutChatter(stderr);
      if (exitCode === ENGINE_FAULT) throw this.#engineFault(told);
      return { ...toOutput(exitCode, stdout, input), stderr: told, exitCode };
    } catch (error) {
      // Ending the client does not end the container.
      await this.#remove(name);
      throw error;
    }
  }

  #runArguments(name: string): string[] {
    const { allowNetwork, pullPolicy, memory = '512m' } = this.#options;
    const isolation = ['--network', allowNetwork ? 'host' : 'none', '--user', 'nobody'];
    const limits = ['--security-opt=no-new-privileges', '--memory', memory];
    return ['run', '--rm', '-i', '--name', name, ...isolation, ...limits, '--pull', pullPolicy, this.resolved];
  }

  async #highestLocalTag(signal: AbortSignal): Promise<string> {
    const { name, range, tag } = this.#wanted;
    const listing = await this.#client(['image', 'ls', '--format', '{{.Tag}}', name], '', signal);
    if (listing.exitCode !== 0) throw this.#engineFault(listing.stderr);
    const tags = new TextDecoder().decode(listing.stdout).split('\n');
    const highest = range && highestInRange(tags, range);
    if (highest !== undefined) return highest;
    throw new TerminalError(
      'TagNotFound',
      `no image ${name} on this machine has a tag in the range ${JSON.stringify(tag)}`,
    );
  }

  async #client(args: readonly string[], input: string, signal: AbortSignal): Promise<ChildResult> {
    const { engine, env } = this.#options;
    return await runChild({ command: [engine, ...args], env, input, maxOutputBytes: MAX_WIRE_BYTES, signal });
  }

  async #remove(name: string): Promise<void> {
    const deadline = AbortSignal.timeout(CLIENT_TIME);
    // It may never have come up, and the engine may be what failed.
    await this.#client(['rm', '--force', name], '', deadline).catch(() => undefined);
  }

  #engineFault(stderr: string): TransientError {
    const why = stderr.trim() || `exit code ${ENGINE_FAULT}`;
    return new TransientError('ContainerNotRun', `${this.#options.engine} could not run ${this.resolved}: ${why}`);
  }
}

function withoutChatter(stderr: string): string {
  return stderr
    .split('\n')
    .filter((line) => !PULL_CHATTER.test(line))
    .join('\n')
    .replace(/\n{2,}$/, '\n');
}
