import { performance } from 'node:perf_hooks';

/*
 * The host's side of WASI preview 1 for a program that is given its standard streams and a clock, and nothing else: no
 * arguments, environment, files or network. Random numbers are the same in every run.
 */

/** What a program left. */
export interface WasiOutcome {
  /** As the program gave it, or one of the codes below. */
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

export interface WasiLimits {
  /** More output ends the program. */
  readonly stdoutBytes: number;
  /** What is printed beyond is dropped. */
  readonly stderrBytes: number;
}

export const OUTPUT_EXCEEDED = -1;
/** The program trapped, or its calls are nested too deeply for this thread's stack. */
export const TRAPPED = -2;

const SUCCESS = 0;
const BAD_DESCRIPTOR = 8;
const NOT_SUPPORTED = 58;

const CHARACTER_DEVICE = 2;
const REALTIME_CLOCK = 0;
const NANOSECONDS = 1_000_000n;

/** Ends the program from inside of one of its calls. */
class Exit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** Runs a program to its end, in this thread. */
export function runWasi(module: WebAssembly.Module, stdin: Uint8Array, limits: WasiLimits): WasiOutcome {
  const host = new WasiHost(stdin, limits);
  const instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: host.imports });
  const { memory, _start: start } = instance.exports;
  host.memory = memory as WebAssembly.Memory;
  let exitCode = 0;
  try {
    (start as () => void)();
  } catch (error) {
    exitCode = error instanceof Exit ? error.code : TRAPPED;
  }
  return { exitCode, stdout: Buffer.concat(host.stdout.chunks), stderr: Buffer.concat(host.stderr.chunks) };
}

class Output {
  readonly chunks: Uint8Array[] = [];
  readonly #limit: number;
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @returns false when it was too much; what fits is kept */
  write(bytes: Uint8Array): boolean {
    const room = this.#limit - this.#size;
    const kept = bytes.slice(0, room);
    this.chunks.push(kept);
    this.#size += kept.length;
    return bytes.length <= room;
  }
}

class WasiHost {
  memory: WebAssembly.Memory | undefined;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly #stdin: Uint8Array;
  #read = 0;
  #random = 0;

  constructor(stdin: Uint8Array, limits: WasiLimits) {
    this.#stdin = stdin;
    this.stdout = new Output(limits.stdoutBytes);
    this.stderr = new Output(limits.stderrBytes);
  }

  get imports(): WebAssembly.ModuleImports {
    return {
      args_sizes_get: (count: number, size: number) => this.#zeros(count, size),
      args_get: () => SUCCESS,
      environ_sizes_get: (count: number, size: number) => this.#zeros(count, size),
      environ_get: () => SUCCESS,
      clock_time_get: (id: number, _precision: bigint, result: number) => this.#clock(id, result),
      random_get: (at: number, size: number) => this.#fillRandom(at, size),
      sched_yield: () => SUCCESS,
      poll_oneoff: (subscriptions: number, events: number, count: number, result: number) =>
        this.#poll(subscriptions, events, count, result),
      proc_exit: (code: number) => {
        throw new Exit(code);
      },
      fd_read: (fd: number, vectors: number, count: number, result: number) =>
        this.#readInput(fd, vectors, count, result),
      fd_write: (fd: number, vectors: number, count: number, result: number) => this.#write(fd, vectors, count, result),
      fd_fdstat_get: (fd: number, result: number) => this.#describe(fd, result),
      fd_fdstat_set_flags: () => SUCCESS,
      fd_close: () => SUCCESS,
      fd_seek: () => NOT_SUPPORTED,
      fd_filestat_get: () => NOT_SUPPORTED,
      fd_prestat_get: () => BAD_DESCRIPTOR,
      fd_prestat_dir_name: () => BAD_DESCRIPTOR,
      path_open: () => NOT_SUPPORTED,
      path_filestat_get: () => NOT_SUPPORTED,
    };
  }

  /** Made anew for each call: memory that grew has another buffer. */
  get #view(): DataView {
    return new DataView((this.memory as WebAssembly.Memory).buffer);
  }

  #bytes(at: number, size: number): Uint8Array {
    return new Uint8Array((this.memory as WebAssembly.Memory).buffer, at >>> 0, size);
  }

  #zeros(...places: number[]): number {
    for (const at of places) this.#view.setUint32(at, 0, true);
    return SUCCESS;
  }

  #clock(id: number, result: number): number {
    const milliseconds = id === REALTIME_CLOCK ? Date.now() : performance.now();
    this.#view.setBigUint64(result, BigInt(Math.round(milliseconds * 1000)) * (NANOSECONDS / 1000n), true);
    return SUCCESS;
  }

  #fillRandom(at: number, size: number): number {
    const bytes = this.#bytes(at, size);
    for (let index = 0; index < size; index += 1) {
      this.#random = (Math.imul(this.#random, 1_103_515_245) + 12_345) >>> 0;
      bytes[index] = this.#random >>> 16;
    }
    return SUCCESS;
  }

  /** The only thing to wait for is time. There is but one thread, so waiting is done: every clock has struck. */
  #poll(subscriptions: number, events: number, count: number, result: number): number {
    const view = this.#view;
    for (let index = 0; index < count; index += 1) {
      const from = subscriptions + index * 48;
      const to = events + index * 32;
      view.setBigUint64(to, view.getBigUint64(from, true), true);
      view.setUint16(to + 8, SUCCESS, true);
      view.setUint8(to + 10, view.getUint8(from + 8));
    }
    view.setUint32(result, count, true);
    return SUCCESS;
  }

  #readInput(fd: number, vectors: number, count: number, result: number): number {
    if (fd !== 0) return BAD_DESCRIPTOR;
    let total = 0;
    for (const buffer of this.#buffers(vectors, count)) {
      const part = this.#stdin.subarray(this.#read, this.#read + buffer.length);
      buffer.set(part);
      this.#read += part.length;
      total += part.length;
    }
    this.#view.setUint32(result, total, true);
    return SUCCESS;
  }

  #write(fd: number, vectors: number, count: number, result: number): number {
    if (fd !== 1 && fd !== 2) return BAD_DESCRIPTOR;
    let total = 0;
    for (const buffer of this.#buffers(vectors, count)) {
      const complete = (fd === 1 ? this.stdout : this.stderr).write(buffer);
      if (!complete && fd === 1) throw new Exit(OUTPUT_EXCEEDED);
      total += buffer.length;
    }
    this.#view.setUint32(result, total, true);
    return SUCCESS;
  }

  #buffers(vectors: number, count: number): Uint8Array[] {
    const view = this.#view;
    return Array.from({ length: count }, (_, index) => {
      const at = vectors + index * 8;
      return this.#bytes(view.getUint32(at, true), view.getUint32(at + 4, true));
    });
  }

  #describe(fd: number, result: number): number {
    if (fd < 0 || fd > 2) return BAD_DESCRIPTOR;
    this.#bytes(result, 24).fill(0);
    this.#view.setUint8(result, CHARACTER_DEVICE);
    this.#view.setBigUint64(result + 8, 0xffff_ffff_ffff_ffffn, true);
    return SUCCESS;
  }
}
