import { Writable } from 'node:stream';
import type { Output } from '../../../src/cli/context.ts';

/** A stream that keeps what is written to it, and may say that it is a terminal. */
export class Recorder extends Writable implements Output {
  readonly isTTY: boolean;
  readonly columns = 40;
  text = '';

  constructor(isTTY = false) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
  }

  override _write(chunk: unknown, _encoding: string, done: () => void): void {
    this.text += String(chunk);
    done();
  }
}
