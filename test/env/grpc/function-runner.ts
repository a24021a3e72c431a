import { type handleUnaryCall, Server, ServerCredentials, status } from '@grpc/grpc-js';
import {
  decodeRequest,
  EVALUATE_FUNCTION,
  type EvaluateFunctionRequest,
  type EvaluateFunctionResponse,
  encodeResponse,
  HEALTH_CHECK,
} from '../../../src/runtimes/grpc/protocol.ts';

/** What the double answers: a response, or a gRPC status. */
export type Answer = EvaluateFunctionResponse | { readonly code: status; readonly details: string };

export interface FunctionRunner {
  readonly target: string;
  readonly port: number;
  /** Requests in the order in which they came. */
  readonly requests: readonly EvaluateFunctionRequest[];
  /** Calls that the client gave up. */
  readonly cancelled: () => number;
  /** What the health service says from now on: 1 serving, 2 not serving. */
  setHealth(serving: 1 | 2): void;
  stop(): Promise<void>;
}

export interface FunctionRunnerOptions {
  readonly port?: number;
  readonly maxMessageBytes?: number;
}

/** A function runner for tests, made from the description of its protocol. */
export async function startFunctionRunner(
  evaluate: (request: EvaluateFunctionRequest, signal: AbortSignal) => Promise<Answer>,
  { port = 0, maxMessageBytes = 6 * 1024 * 1024 }: FunctionRunnerOptions = {},
): Promise<FunctionRunner> {
  const requests: EvaluateFunctionRequest[] = [];
  let [health, cancelled] = [1, 0];
  const server = new Server({
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
  });
  const answer: handleUnaryCall<EvaluateFunctionRequest, EvaluateFunctionResponse> = (call, callback) => {
    requests.push(call.request);
    const gone = new AbortController();
    call.on('cancelled', () => {
      cancelled += 1;
      gone.abort();
    });
    evaluate(call.request, gone.signal).then(
      (response) => callback('code' in response ? response : null, 'code' in response ? null : response),
      (error: unknown) => callback({ code: status.UNKNOWN, details: String(error) }),
    );
  };
  server.register(EVALUATE_FUNCTION, answer, encodeResponse, decodeRequest, 'unary');
  const check: handleUnaryCall<object, number> = (_call, callback) => callback(null, health);
  server.register(
    HEALTH_CHECK,
    check,
    (serving) => Buffer.from([8, serving]),
    () => ({}),
    'unary',
  );
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
    error ? reject(error) : resolve(bound),
  );
  const bound = await promise;
  return {
    target: `127.0.0.1:${bound}`,
    port: bound,
    requests,
    cancelled: () => cancelled,
    setHealth: (serving) => {
      health = serving;
    },
    stop: async () => server.forceShutdown(),
  };
}
