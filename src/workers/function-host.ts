import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { FunctionRuntime, Runner } from '../functions/types.ts';
import {
  type Answer,
  type FunctionCall,
  packError,
  packOutput,
  type Question,
  type RenderTask,
  type ToMain,
  type ToWorker,
  unpackItem,
} from './protocol.ts';

/** The main thread's side of one render: runs the functions that the worker cannot run itself. */
export class FunctionHost {
  /** The worker's ends of the channels; to be posted and transferred with the task. */
  readonly task: Pick<RenderTask, 'asks' | 'calls' | 'answered'>;
  readonly #runtime: FunctionRuntime;
  readonly #asks: MessagePort;
  readonly #calls: MessagePort;
  readonly #runners: Runner[] = [];
  readonly #running = new Map<number, AbortController>();

  constructor(runtime: FunctionRuntime) {
    this.#runtime = runtime;
    const asks = new MessageChannel();
    const calls = new MessageChannel();
    const answered = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    this.task = { asks: asks.port2, calls: calls.port2, answered };
    this.#asks = asks.port1;
    this.#calls = calls.port1;
    this.#asks.on('message', (question: Question) => this.#answer(question));
    this.#calls.on('message', (message: ToMain) => {
      if (message.type === 'call') void this.#run(message);
      else this.#running.get(message.call)?.abort(new Error('the render no longer waits for this function'));
    });
  }

  /** Asks the worker to stop its render, and stops the functions that run for it. */
  cancel(reason: unknown): void {
    this.#post({ type: 'cancel' });
    for (const controller of this.#running.values()) controller.abort(reason);
  }

  /** Ends what still runs and frees the channels. */
  close(): void {
    for (const controller of this.#running.values()) controller.abort(new Error('the render has ended'));
    this.#asks.close();
    this.#calls.close();
  }

  #answer({ spec }: Question): void {
    this.#asks.postMessage(this.#find(spec) satisfies Answer);
    Atomics.store(this.task.answered, 0, 1);
    Atomics.notify(this.task.answered, 0);
  }

  #find(spec: Question['spec']): Answer {
    try {
      const runner = this.#runtime.runner(spec);
      if (runner === undefined) return { found: false };
      const { resolved, runtime } = runner;
      return { found: true, runner: this.#runners.push(runner) - 1, resolved, runtime };
    } catch (error) {
      return { found: false, error: packError(error) };
    }
  }

  async #run({ call, runner, items, functionConfig, packagePath }: FunctionCall): Promise<void> {
    const controller = new AbortController();
    this.#running.set(call, controller);
    const input = items.map(unpackItem);
    try {
      const context = { signal: controller.signal, packagePath, render: this };
      const output = await (this.#runners[runner] as Runner).run({ items: input, functionConfig }, context);
      this.#post({ type: 'output', call, output: packOutput(output, input) });
    } catch (error) {
      this.#post({ type: 'failure', call, error: packError(error) });
    } finally {
      this.#running.delete(call);
    }
  }

  #post(message: ToWorker): void {
    this.#calls.postMessage(message);
  }
}
