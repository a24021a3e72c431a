import type { LookupAddress } from 'node:dns';
import { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import { TransientError } from '../../../../api/errors.ts';
import { pinForNode } from '../address-guard.ts';

export interface SmartHttpOptions {
  /** Of the repository. */
  readonly url: string;
  /** All that its host's name leads to; undefined when the host is no name. */
  readonly addresses: readonly LookupAddress[] | undefined;
  /** Value of the header. */
  readonly authorization: string | undefined;
  /** PEM, used instead of the system's roots. */
  readonly ca: string | undefined;
  /** For everything together. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

export type GitService = 'git-upload-pack' | 'git-receive-pack';

interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** What an answer that counts is. */
  readonly type: string;
}

/** Some hosts answer only those that call themselves git. */
const USER_AGENT = 'git/veranda';
const VERSION_2 = { 'git-protocol': 'version=2' } as const;
const MAX_ANSWER = 64 * 1024 * 1024;
/** A server that sends nothing for so long hangs, as for git (`http.lowSpeedTime`). */
const SILENCE_MS = 30_000;

/** The answer to a request that changes something did not come: what happened is unknown. */
export class AnswerLost extends Error {}

/** The answer was not one of the protocol. */
export class NoAnswer extends Error {}

/**
 * One remote's smart HTTP (gitprotocol-http) for one piece of work. Credentials go to no address but the remote's own, and
 * redirects are not followed.
 */
export class SmartHttp {
  readonly #options: SmartHttpOptions;
  readonly #agent: Agent;
  readonly #deadline: AbortSignal;
  readonly #signal: AbortSignal;

  constructor(options: SmartHttpOptions) {
    const { addresses, ca, signal, timeoutMs } = options;
    this.#options = options;
    this.#agent = new Agent({
      allowH2: false,
      headersTimeout: SILENCE_MS,
      bodyTimeout: SILENCE_MS,
      connect: {
        ...(addresses === undefined ? {} : { lookup: pinForNode(addresses) }),
        ...(ca === undefined ? {} : { ca }),
      },
    });
    this.#deadline = AbortSignal.timeout(timeoutMs);
    this.#signal = signal === undefined ? this.#deadline : AbortSignal.any([signal, this.#deadline]);
  }

  /** @throws NoAnswer; TransientError Timeout; the signal's reason; what the connection says */
  advertisement(service: GitService): Promise<Buffer> {
    return this.#send({
      method: 'GET',
      path: `info/refs?service=${service}`,
      // For pushes there is no version 2.
      headers: service === 'git-upload-pack' ? VERSION_2 : {},
      type: `application/x-${service}-advertisement`,
    });
  }

  /** @throws as `advertisement`; AnswerLost when the server may have done what `body` says */
  async call(service: GitService, body: Buffer): Promise<Buffer> {
    let sent = false;
    try {
      return await this.#send(
        {
          method: 'POST',
          path: service,
          headers: {
            ...(service === 'git-upload-pack' ? VERSION_2 : {}),
            'content-type': `application/x-${service}-request`,
            'content-length': String(body.length),
          },
          body,
          type: `application/x-${service}-result`,
        },
        () => {
          sent = true;
        },
      );
    } catch (error) {
      const told = this.#signal.aborted || error instanceof NoAnswer || !sent;
      throw told ? error : new AnswerLost('the connection ended before the answer', { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #send({ method, path, headers, body, type }: Call, onConnected: () => void = () => undefined): Promise<Buffer> {
    const { url, authorization, timeoutMs } = this.#options;
    try {
      const answer = await request(`${url}/${path}`, {
        method,
        headers: {
          ...headers,
          'user-agent': USER_AGENT,
          accept: type,
          ...(authorization === undefined ? {} : { authorization }),
        },
        body: body === undefined ? null : Readable.from(onceConnected(body, onConnected)),
        dispatcher: this.#agent,
        signal: this.#signal,
      });
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > MAX_ANSWER) throw new NoAnswer('the answer is larger than is accepted');
        chunks.push(chunk);
      }
      if (answer.statusCode === 200 && answer.headers['content-type'] === type) return Buffer.concat(chunks);
      throw new NoAnswer(`the answer has the status ${answer.statusCode}`);
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      if (!this.#deadline.aborted) throw error;
      throw new TransientError('Timeout', `the server did not answer within ${timeoutMs} ms`);
    }
  }
}

/** A body that tells when it is asked for: before that the server has nothing of it. */
async function* onceConnected(body: Buffer, onConnected: () => void): AsyncGenerator<Buffer> {
  onConnected();
  yield body;
}
