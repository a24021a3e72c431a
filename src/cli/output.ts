import { Writable } from 'node:stream';
import type { CliContext, Output } from './context.ts';

type Streams = Pick<CliContext, 'env' | 'stdout' | 'stderr'>;

const CLEAR_LINE = '\r\u001b[2K';
const STATUS_INTERVAL_MS = 100;

/** Whether lines on stderr may be rewritten: a terminal that can do it, and no CI that keeps every line. */
export function isInteractive({ env, stderr }: Streams): boolean {
  return stderr.isTTY === true && !env.CI && env.TERM !== 'dumb';
}

/** Whether stdout gets colours; see https://no-color.org. */
export function hasColour({ env, stdout }: Streams): boolean {
  return stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}

/** Lines that stay, and below them on a terminal one line that is rewritten. */
export class ProgressOutput {
  readonly #stderr: Output;
  readonly #interactive: boolean;
  #status = '';
  #nextStatus = 0;

  constructor(streams: Streams) {
    this.#stderr = streams.stderr;
    this.#interactive = isInteractive(streams);
  }

  line(text: string): void {
    this.#stderr.write(this.#status === '' ? `${text}\n` : `${CLEAR_LINE}${text}\n${this.#status}`);
  }

  /** A line that the status line makes needless. */
  detail(text: string): void {
    if (!this.#interactive) this.line(text);
  }

  /** The line that is rewritten, now and then. Without effect where lines cannot be rewritten. */
  status(text: () => string): void {
    const now = performance.now();
    if (!this.#interactive || now < this.#nextStatus) return;
    this.#nextStatus = now + STATUS_INTERVAL_MS;
    this.#rewrite(text());
  }

  clearStatus(): void {
    if (this.#interactive) this.#rewrite('');
  }

  #rewrite(text: string): void {
    const fitting = text.slice(0, (this.#stderr.columns || 80) - 1);
    if (fitting === this.#status) return;
    this.#stderr.write(`${CLEAR_LINE}${fitting}`);
    this.#status = fitting;
  }

  /** For writers of whole lines, such as a logger. */
  stream(): Writable {
    return new Writable({
      decodeStrings: false,
      write: (chunk, _encoding, done) => {
        this.line(String(chunk).trimEnd());
        done();
      },
    });
  }
}
