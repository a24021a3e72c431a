import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { errorMessage, TerminalError, TransientError } from '../../api/errors.ts';
import type { FunctionInput, FunctionOutput, FunctionRuntime, RunContext, Runner } from '../../functions/types.ts';
import { describeWanted, type WantedImage, wantedImage } from '../container-image.ts';
import { NotMineError } from '../multi.ts';
import { RenderMemo } from '../render-memo.ts';
import { decodeOutput, encodeInput } from '../wire-format.ts';
import {
  decodeHealth,
  decodeResponse,
  EVALUATE_FUNCTION,
  EVALUATOR_SERVICE,
  type EvaluateFunctionRequest,
  type EvaluateFunctionResponse,
  encodeRequest,
  HEALTH_CHECK,
  SERVING,
} from './protocol.ts';
import { recoverCode, recoverFailure } from './recover.ts';

export interface GrpcRuntimeOptions {
  /** `host:port` or any target that gRPC knows; a name that stands for several addresses is balanced over them. */
  readonly target: string;
  /** Bytes of one message in either direction, as the runner's `--max-request-body-size`. */
  readonly maxMessageBytes?: number;
  /** Milliseconds that one evaluation may take; the runner is told. Default 5 minutes. */
  readonly deadlineMs?: number;
  /**
   * The tag that a range stands for now: the protocol has one text for the image, and its runner takes a tag as it is.
   * @throws VerandaError when that cannot be told
   */
  readonly tagInRange: (wanted: WantedImage, signal: AbortSignal) => Promise<string>;
}

export interface GrpcRuntime extends FunctionRuntime {
  /** Asks the runner's health service. @throws TransientError FunctionRunnerUnavailable */
  health(signal: AbortSignal): Promise<void>;
  close(): void;
}

/** The default of Porch's function runner. */
export const DEFAULT_MAX_MESSAGE_BYTES = 6 * 1024 * 1024;
const DEFAULT_DEADLINE_MS = 300_000;
const HEALTH_DEADLINE_MS = 5_000;
/** A server in Go with nothing set, as the runner is, closes the connection of who pings more often than every 5 minutes. */
const KEEPALIVE_MS = 330_000;
/** Evaluations change nothing: one whose server went away, or says that it is not available, is given to another. */
const RETRIES = {
  maxAttempts: 3,
  initialBackoff: '0.1s',
  maxBackoff: '1s',
  backoffMultiplier: 3,
  retryableStatusCodes: ['UNAVAILABLE'],
};
/** Messages that are kept for another try; they are referred to, not copied. */
const KEPT_MESSAGES = 64;
/** A server may give a call up a moment before our clock does, and in other words. */
const CLOCK_SLACK_MS = 100;
/** The words for that; others are an answer, however late. */
const GIVEN_UP: ReadonlySet<number | undefined> = new Set([
  status.CANCELLED,
  status.UNKNOWN,
  status.INTERNAL,
  status.UNAVAILABLE,
]);
/** What a message has beside its ResourceList. */
const ENVELOPE_BYTES = 1024;

/** Runs images on Porch's function runner, or anything else that serves its FunctionEvaluator protocol. */
export function createGrpcRuntime(options: GrpcRuntimeOptions): GrpcRuntime {
  const maxBytes = options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES;
  // The runner speaks nothing but plain text.
  const client = new Client(options.target, credentials.createInsecure(), {
    'grpc.max_receive_message_length': maxBytes,
    'grpc.max_send_message_length': maxBytes,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.per_rpc_retry_buffer_size': maxBytes,
    'grpc.retry_buffer_size': KEPT_MESSAGES * maxBytes,
    'grpc.service_config': JSON.stringify({
      loadBalancingConfig: [{ round_robin: {} }],
      methodConfig: [{ name: [{ service: EVALUATOR_SERVICE }], retryPolicy: RETRIES }],
    }),
    // Addresses behind a name come and go with the runner's replicas.
    'grpc.dns_min_time_between_resolutions_ms': 5_000,
  });
  const tags = new RenderMemo<string>();
  return {
    name: 'grpc',
    runner: (spec) => {
      const wanted = wantedImage(spec);
      return wanted && new GrpcRunner(client, wanted, { ...options, maxBytes, tags });
    },
    health: (signal) => checkHealth(client, options.target, signal),
    close: () => client.close(),
  };
}

interface GrpcRunnerOptions extends GrpcRuntimeOptions {
  readonly maxBytes: number;
  readonly tags: RenderMemo<string>;
}

class GrpcRunner implements Runner {
  readonly resolved: string;
  readonly runtime = 'grpc';
  readonly identity: string | undefined;
  readonly #client: Client;
  readonly #wanted: WantedImage;
  readonly #options: GrpcRunnerOptions;

  constructor(client: Client, wanted: WantedImage, options: GrpcRunnerOptions) {
    this.resolved = describeWanted(wanted);
    this.identity = /@(.+)$/.exec(wanted.suffix ?? '')?.[1];
    this.#client = client;
    this.#wanted = wanted;
    this.#options = options;
  }

  async run(input: FunctionInput, context: RunContext): Promise<FunctionOutput> {
    const { signal } = context;
    signal.throwIfAborted();
    const resourceList = Buffer.from(encodeInput(input));
    const { maxBytes } = this.#options;
    if (resourceList.length + ENVELOPE_BYTES > maxBytes) throw this.#tooLarge(`${resourceList.length} bytes`);
    const image = await this.#image(context);
    // Of a range it is known only now what it stands for.
    const told = image === this.resolved ? {} : { ran: { resolved: image, runtime: this.runtime } };
    const deadline = Date.now() + (this.#options.deadlineMs ?? DEFAULT_DEADLINE_MS);
    try {
      const { resourceList: list, log } = await this.#evaluate({ resourceList, image }, deadline, signal);
      return { ...decodeOutput(list, input.items), stderr: new TextDecoder().decode(log), exitCode: 0, ...told };
    } catch (error) {
      signal.throwIfAborted();
      if (!isServiceError(error)) throw error;
      const isLate = Date.now() >= deadline - CLOCK_SLACK_MS;
      const isAnswer = recoverFailure(error.details) !== undefined || !GIVEN_UP.has(recoverCode(error));
      if (isLate && !isAnswer) throw this.#tooSlow(error);
      return { ...this.#failure(error, input), ...told };
    }
  }

  async #image({ render = this, signal }: RunContext): Promise<string> {
    const { name, suffix } = this.#wanted;
    if (suffix !== undefined) return name + suffix;
    const { tags, tagInRange } = this.#options;
    return `${name}:${await tags.find(render, this.resolved, () => tagInRange(this.#wanted, signal))}`;
  }

  #evaluate(
    request: EvaluateFunctionRequest,
    deadline: number,
    signal: AbortSignal,
  ): Promise<EvaluateFunctionResponse> {
    return unary(this.#client, EVALUATE_FUNCTION, encodeRequest(request), decodeResponse, deadline, signal);
  }

  /** A function that failed is an output; what kept it from running is thrown. */
  #failure(error: ServiceError, { items }: FunctionInput): FunctionOutput {
    const told = recoverFailure(error.details);
    if (told !== undefined) return { items, ...told, exitCode: 1 };
    const where = `the function runner at ${this.#options.target}`;
    switch (recoverCode(error)) {
      case status.INTERNAL:
        return { items, results: [], stderr: error.details, exitCode: 1 };
      case status.NOT_FOUND:
        throw new NotMineError(`${where} knows no function ${this.resolved}`);
      case status.RESOURCE_EXHAUSTED:
        throw this.#tooLarge(error.details);
      case status.DEADLINE_EXCEEDED:
        throw this.#tooSlow(error);
      case status.UNAVAILABLE:
        throw unavailable(this.#options.target, error);
      case status.UNIMPLEMENTED:
      case status.INVALID_ARGUMENT:
        throw new TerminalError('FunctionRunnerRefused', `${where}: ${error.details}`, { cause: error });
      default:
        throw new TransientError('FunctionRunnerFailed', `${where}: ${error.details}`, { cause: error });
    }
  }

  #tooSlow(cause: ServiceError): TransientError {
    const message = `the function runner at ${this.#options.target} took longer than its limit for ${this.resolved}`;
    return new TransientError('Timeout', message, { cause });
  }

  #tooLarge(what: string): TerminalError {
    const limit = `${this.#options.maxBytes} bytes are the limit of a message to the function runner at ${this.#options.target}`;
    return new TerminalError('InputTooLarge', `the ResourceList does not fit (${what}): ${limit}`);
  }
}

async function checkHealth(client: Client, target: string, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + HEALTH_DEADLINE_MS;
  try {
    const serving = await unary(client, HEALTH_CHECK, Buffer.alloc(0), decodeHealth, deadline, signal);
    if (serving === SERVING) return;
  } catch (error) {
    signal.throwIfAborted();
    throw unavailable(target, error);
  }
  throw new TransientError('FunctionRunnerUnavailable', `the function runner at ${target} says that it is not serving`);
}

function unary<T>(
  client: Client,
  method: string,
  request: Buffer,
  decode: (bytes: Uint8Array) => T,
  deadline: number,
  signal: AbortSignal,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const call = client.makeUnaryRequest(
    method,
    (bytes: Buffer) => bytes,
    decode,
    request,
    { deadline },
    (error, value) => {
      if (error) reject(error);
      else resolve(value as T);
    },
  );
  const cancel = () => call.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  return promise.finally(() => signal.removeEventListener('abort', cancel));
}

function unavailable(target: string, cause: unknown): TransientError {
  const why = isServiceError(cause) ? cause.details : errorMessage(cause);
  return new TransientError('FunctionRunnerUnavailable', `the function runner at ${target} does not answer: ${why}`, {
    cause,
  });
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error && typeof error.code === 'number';
}
