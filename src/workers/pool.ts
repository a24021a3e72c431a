import { availableParallelism } from 'node:os';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ResourceLimits } from 'node:worker_threads';
import PQueue from 'p-queue';
import { Piscina } from 'piscina';
import { errorMessage, TransientError } from '../api/errors.ts';
import { runInSlot } from '../concurrency/slot-job.ts';
import type { BuiltinOverrides } from '../functions/builtin-runtime.ts';
import type { FunctionRuntime } from '../functions/types.ts';
import { mergePackages } from '../merge/merge-packages.ts';
import type { MergeInput, MergeOptions, MergeResult, PackageMerger } from '../merge/types.ts';
import type { Package } from '../package/package.ts';
import { unpackFiles } from '../package/packed-files.ts';
import { KPTFILE } from '../package/subpackages.ts';
import type { FileChange } from '../package/types.ts';
import type { RendererOptions } from '../render/renderer.ts';
import type { Renderer, RenderOutcome } from '../render/types.ts';
import { FunctionHost } from './function-host.ts';
import { type MergeReply, type MergeTask, type RenderReply, type RenderTask, unpackError } from './protocol.ts';

export interface WorkerRendererOptions {
  /** Renders small packages on the main thread. */
  readonly inProcess: Renderer;
  /** Functions that the builtin runtime does not know: asked by workers, run on the main thread. */
  readonly hosted: FunctionRuntime;
  /** What the renderers in the threads are made with: as in `RendererOptions`. */
  readonly renderer?: RendererSettings;
  /** As `prefixes` of the builtin runtime; images there may run. */
  readonly builtinPrefixes?: readonly string[];
  /** Asked before each render: changes of built-in functions; undefined: none is used. */
  readonly builtins?: () => BuiltinOverrides | undefined;
  /** Packages up to this size are rendered in process, unless they run scripts. Default 40 files and 64 KiB. */
  readonly small?: { readonly files: number; readonly bytes: number };
  /** One render runs in a thread at a time. Default: one less than the processors, at least 1. */
  readonly maxThreads?: number;
  /** Milliseconds until a thread without work ends. Default 30,000. */
  readonly idleTimeout?: number;
  /** Milliseconds that a cancelled render has to stop before its thread is ended. Default 2,000. */
  readonly grace?: number;
  /** Memory of a thread. Default: 512 MB for its heap's old generation. */
  readonly resourceLimits?: ResourceLimits;
  /** Module whose `render` the threads run; only tests give another one than `worker.ts`. */
  readonly entry?: URL;
}

/** What of a renderer's options can be sent to a thread. */
export type RendererSettings = Pick<RendererOptions, 'imagePrefix' | 'allowedImages' | 'stepTimeout' | 'writesStatus'>;

const SMALL = { files: 40, bytes: 64 * 1024 };
const RESOURCE_LIMITS: ResourceLimits = { maxOldGenerationSizeMb: 512 };

/** From source the entry is TypeScript, which Node runs as it is; in the bundle it lies beside the main file. */
const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

/**
 * Renders in worker threads, so that the event loop stays free, except for packages so small that going to another
 * thread would cost more. Functions of the catalogue run in the thread, all others on the main thread.
 */
export class WorkerRenderer implements Renderer, PackageMerger {
  readonly #inProcess: Renderer;
  readonly #hosted: FunctionRuntime;
  readonly #builtins: () => BuiltinOverrides | undefined;
  readonly #settings: Pick<RenderTask, 'builtinPrefixes' | keyof RendererSettings>;
  readonly #small: { readonly files: number; readonly bytes: number };
  readonly #grace: number;
  readonly #pool: Piscina;
  /** Lets no more renders into the pool than it has threads: what waits inside the pool is lost when a thread fails. */
  readonly #queue: PQueue;
  readonly #inPool = new Set<AbortController>();
  #closed = false;

  constructor(options: WorkerRendererOptions) {
    const maxThreads = options.maxThreads ?? Math.max(1, availableParallelism() - 1);
    this.#inProcess = options.inProcess;
    this.#hosted = options.hosted;
    this.#builtins = options.builtins ?? (() => ({}));
    this.#settings = { ...options.renderer, builtinPrefixes: options.builtinPrefixes };
    this.#small = options.small ?? SMALL;
    this.#grace = options.grace ?? 2000;
    this.#queue = new PQueue({ concurrency: maxThreads });
    this.#pool = new Piscina({
      filename: fileURLToPath(options.entry ?? ENTRY),
      name: 'render',
      minThreads: 0,
      maxThreads,
      idleTimeout: options.idleTimeout ?? 30_000,
      resourceLimits: { ...RESOURCE_LIMITS, ...options.resourceLimits },
      env: {},
    });
    // A thread that dies with no render in it, for example while it starts: what waits for it would wait for ever.
    this.#pool.on('error', (error: unknown) => this.#abandon(crash(error)));
  }

  /** Number of threads that live now. */
  get threads(): number {
    return this.#pool.threads.length;
  }

  /**
   * An abort frees the caller at once. A render that does not stop then is ended with its thread.
   * @throws the signal's reason; TransientError WorkerCrashed when the thread died (out of memory, for example),
   * PoolClosed; what the renderer throws
   */
  async render(pkg: Package, options: { readonly signal: AbortSignal }): Promise<RenderOutcome> {
    const { signal } = options;
    signal.throwIfAborted();
    if (this.#isSmall(pkg) && !mentionsScript(pkg)) return await this.#inProcess.render(pkg, options);
    if (this.#closed) throw poolClosed();
    const reply = await runInSlot(this.#queue, (inner) => this.#renderInThread(pkg, inner), signal, {});
    if (!reply.ok) throw unpackError(reply.error);
    const changes: FileChange[] = reply.removed.map((path) => [path, null]);
    return { package: pkg.edit([...changes, ...unpackFiles(reply.changed)]), report: reply.report };
  }

  /**
   * Merges in a thread, small packages in this one. A merge cannot be interrupted: an abort ends its thread.
   * @throws as `render`; what the merge throws
   */
  async merge(input: MergeInput, options: MergeOptions, signal: AbortSignal): Promise<MergeResult> {
    signal.throwIfAborted();
    const packages = [input.base, input.local, input.updated];
    if (packages.every((pkg) => this.#isSmall(pkg))) return mergePackages(input, options);
    if (this.#closed) throw poolClosed();
    const reply = await runInSlot(this.#queue, (inner) => this.#mergeInThread(input, options, inner), signal, {});
    if (!reply.ok) throw unpackError(reply.error);
    const { changed, removed, conflicts, omittedConflicts, warnings } = reply;
    const changes: FileChange[] = removed.map((path) => [path, null]);
    return { pkg: input.local.edit([...changes, ...unpackFiles(changed)]), conflicts, omittedConflicts, warnings };
  }

  /** Ends all threads. Renders that wait or run fail with TransientError PoolClosed. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#abandon(poolClosed());
    await this.#pool.destroy();
  }

  async #renderInThread(pkg: Package, signal: AbortSignal): Promise<RenderReply> {
    if (this.#closed) throw poolClosed();
    const host = new FunctionHost(this.#hosted);
    const kill = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const onAbort = () => {
      host.cancel(signal.reason);
      timer = setTimeout(() => kill.abort(signal.reason), this.#grace);
    };
    const builtins = this.#builtins() ?? null;
    const task: RenderTask = { ...host.task, package: pkg.pack(), ...this.#settings, builtins };
    const transferList = [task.package.files.content, task.asks, task.calls];
    try {
      return await this.#inThread(kill, signal, onAbort, () =>
        this.#pool.run(task, { signal: kill.signal, transferList }),
      );
    } finally {
      clearTimeout(timer);
      host.close();
    }
  }

  async #mergeInThread(
    { base, local, updated, rendered }: MergeInput,
    options: MergeOptions,
    signal: AbortSignal,
  ): Promise<MergeReply> {
    if (this.#closed) throw poolClosed();
    const kill = new AbortController();
    const packed = { base: base.pack(), local: local.pack(), updated: updated.pack() };
    const task: MergeTask = rendered ? { ...packed, rendered: rendered.pack(), options } : { ...packed, options };
    const onAbort = () => kill.abort(signal.reason);
    return await this.#inThread(kill, signal, onAbort, () =>
      this.#pool.run(task, { name: 'merge', signal: kill.signal }),
    );
  }

  /** @param kill ends the thread; also when the pool is closed or another thread died */
  async #inThread<T>(
    kill: AbortController,
    signal: AbortSignal,
    onAbort: () => void,
    run: () => Promise<T>,
  ): Promise<T> {
    signal.addEventListener('abort', onAbort, { once: true });
    this.#inPool.add(kill);
    try {
      return await run();
    } catch (error) {
      throw kill.signal.aborted ? kill.signal.reason : crash(error);
    } finally {
      this.#inPool.delete(kill);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #isSmall(pkg: Package): boolean {
    return pkg.size <= this.#small.files && pkg.totalBytes <= this.#small.bytes;
  }

  #abandon(reason: Error): void {
    for (const kill of this.#inPool) kill.abort(reason);
  }
}

/**
 * Whether the pipelines of a package may run a script. However small the package is, a script takes what time it likes
 * up to its limits, and a thread is what can be ended.
 */
function mentionsScript(pkg: Package): boolean {
  return pkg
    .paths()
    .filter((path) => posix.basename(path) === KPTFILE)
    .some((path) => Buffer.from(pkg.get(path)?.bytes ?? []).includes('starlark'));
}

function crash(error: unknown): TransientError {
  return new TransientError('WorkerCrashed', `the thread that rendered died: ${errorMessage(error)}`, { cause: error });
}

function poolClosed(): TransientError {
  return new TransientError('PoolClosed', 'the renderer is shutting down');
}
