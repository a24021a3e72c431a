import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { TransientError } from '../api/errors.ts';
import type { FunctionInput, FunctionOutput, FunctionRuntime, RunContext, Runner } from '../functions/types.ts';
import type { FunctionSpec } from '../krm/function-spec.ts';
import {
  type Answer,
  packItem,
  type RenderTask,
  type ToMain,
  type ToWorker,
  unpackError,
  unpackOutput,
} from './protocol.ts';

/** How long a worker waits for the main thread to say who runs a function, in milliseconds. */
const ANSWER_TIMEOUT = 30_000;

interface Waiting {
  readonly input: FunctionInput;
  resolve(output: FunctionOutput): void;
  reject(error: Error): void;
}

/** The worker's side: a runtime whose functions run on the main thread. */
export class HostedRuntime implements FunctionRuntime {
  readonly name = 'hosted';
  readonly #asks: MessagePort;
  readonly #calls: MessagePort;
  readonly #answered: RenderTask['answered'];
  readonly #waiting = new Map<number, Waiting>();
  #called = 0;

  /** @param onCancel called when the main thread no longer wants the render */
  constructor(task: Pick<RenderTask, 'asks' | 'calls' | 'answered'>, onCancel: () => void) {
    this.#asks = task.asks;
    this.#calls = task.calls;
    this.#answered = task.answered;
    this.#calls.on('message', (message: ToWorker) => {
      if (message.type === 'cancel') onCancel();
      else this.#settle(message);
    });
  }

  runner(spec: FunctionSpec): Runner | undefined {
    const answer = this.#ask(spec);
    if (!answer.found) {
      if (answer.error !== undefined) throw unpackError(answer.error);
      return undefined;
    }
    const { runner, resolved, runtime } = answer;
    return { resolved, runtime, run: (input, context) => this.#call(runner, input, context) };
  }

  close(): void {
    this.#asks.close();
    this.#calls.close();
  }

  #ask(spec: FunctionSpec): Answer {
    Atomics.store(this.#answered, 0, 0);
    this.#asks.postMessage({ spec });
    Atomics.wait(this.#answered, 0, 0, ANSWER_TIMEOUT);
    const received: { message: Answer } | undefined = receiveMessageOnPort(this.#asks);
    if (received === undefined) throw new TransientError('HostUnavailable', 'the main thread did not answer in time');
    return received.message;
  }

  async #call(runner: number, input: FunctionInput, { signal, packagePath }: RunContext): Promise<FunctionOutput> {
    signal.throwIfAborted();
    const call = this.#called++;
    const { promise, resolve, reject } = Promise.withResolvers<FunctionOutput>();
    const onAbort = () => {
      this.#post({ type: 'abort', call });
      reject(signal.reason);
    };
    this.#waiting.set(call, { input, resolve, reject });
    signal.addEventListener('abort', onAbort, { once: true });
    const { functionConfig } = input;
    this.#post({ type: 'call', call, runner, items: input.items.map(packItem), functionConfig, packagePath });
    try {
      return await promise;
    } finally {
      this.#waiting.delete(call);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #settle(message: Exclude<ToWorker, { type: 'cancel' }>): void {
    const waiting = this.#waiting.get(message.call);
    if (message.type === 'failure') waiting?.reject(unpackError(message.error));
    else waiting?.resolve(unpackOutput(message.output, waiting.input.items));
  }

  #post(message: ToMain): void {
    this.#calls.postMessage(message);
  }
}
