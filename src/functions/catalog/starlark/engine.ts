import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configure } from 'safe-stable-stringify';
import { isList, isMap, type KrmMap } from '../../../krm/value.ts';
import { FunctionFault } from '../../define-function.ts';
import { OUTPUT_EXCEEDED, runWasi, TRAPPED } from './wasi.ts';

/** Bounds of one script. Memory is bounded in the module itself, see `scripts/starlark/build.mjs`. */
export interface ScriptLimits {
  /** Steps of the interpreter. */
  readonly maxSteps: number;
  readonly timeoutMs: number;
  /** Size of the items that the script leaves, as JSON. */
  readonly outputBytes: number;
  /** What a script prints beyond is dropped. */
  readonly stderrBytes: number;
}

const LIMITS: ScriptLimits = {
  maxSteps: 500_000_000,
  timeoutMs: 10_000,
  outputBytes: 128 * 1024 * 1024,
  stderrBytes: 256 * 1024,
};

export interface Script {
  /** Name of the script in messages. */
  readonly name: string;
  readonly program: string;
}

/** What a script left: the items, or why it failed. */
export interface ScriptOutcome {
  readonly items?: readonly KrmMap[];
  readonly error?: string;
  readonly stderr: string;
}

/** In the bundle the module lies beside the main file; from source the build has put it into `dist/`. */
const MODULE = new URL(
  import.meta.url.endsWith('.ts') ? '../../../../dist/starlark.wasm' : './starlark.wasm',
  import.meta.url,
);

const stringify = configure({ bigint: true, deterministic: false, strict: true });

/** Runs Starlark scripts in WebAssembly, each in an instance of its own: one leaves nothing behind for the next. */
export class StarlarkEngine {
  readonly #file: string;
  readonly #limits: ScriptLimits;
  #module: WebAssembly.Module | undefined;

  constructor(options: { readonly file?: URL; readonly limits?: Partial<ScriptLimits> } = {}) {
    this.#file = fileURLToPath(options.file ?? MODULE);
    this.#limits = { ...LIMITS, ...options.limits };
  }

  /** False in a build that was made without Go. */
  get available(): boolean {
    return this.#module !== undefined || existsSync(this.#file);
  }

  /**
   * Runs a script to its end, in this thread.
   * @param resourceList what the script sees and changes as `ctx.resource_list`
   * @throws FunctionFault for data that a script cannot be given
   */
  run({ name, program }: Script, resourceList: KrmMap): ScriptOutcome {
    const { maxSteps, timeoutMs, outputBytes, stderrBytes } = this.#limits;
    const head = JSON.stringify({ name, program, maxSteps, timeoutMs });
    const request = new TextEncoder().encode(`${head}\n${toJson(resourceList)}`);
    this.#module ??= new WebAssembly.Module(readFileSync(this.#file));
    const outcome = runWasi(this.#module, request, { stdoutBytes: outputBytes, stderrBytes });
    const stderr = new TextDecoder().decode(outcome.stderr);
    if (outcome.exitCode === OUTPUT_EXCEEDED) {
      return { error: `the script leaves more than ${outputBytes} bytes of items`, stderr };
    }
    if (outcome.exitCode === TRAPPED) return { error: 'the calls of the script are nested too deeply', stderr };
    if (outcome.exitCode !== 0) {
      return { error: 'the script needs more memory than it may have', stderr: withoutCrashDump(stderr) };
    }
    return { ...readResponse(new TextDecoder().decode(outcome.stdout)), stderr };
  }
}

/** What the script printed before the interpreter died. */
function withoutCrashDump(stderr: string): string {
  return stderr.replace(/^(?:runtime: |fatal error: ).*/ms, '');
}

function toJson(resourceList: KrmMap): string {
  try {
    return stringify(resourceList) ?? '';
  } catch (error) {
    throw new FunctionFault('a script cannot be given numbers that are infinite or none', { cause: error });
  }
}

function readResponse(text: string): Omit<ScriptOutcome, 'stderr'> {
  const response: { readonly items?: unknown; readonly error?: string } = parseJson(text);
  if (response.error !== undefined) return { error: response.error };
  const items = isList(response.items as KrmMap) ? (response.items as readonly KrmMap[]) : [];
  const wrong = items.findIndex((item) => !isMap(item));
  return wrong < 0 ? { items } : { error: `ctx.resource_list["items"][${wrong}] is no dict` };
}

/** Integers beyond 2^53 become `bigint`, as everywhere in KRM data. */
function parseJson(text: string) {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) => {
    const source = context?.source ?? '';
    return typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? BigInt(source) : value;
  });
}
