import { isAbsolute, join } from 'node:path';
import { TerminalError } from '../api/errors.ts';
import { imageName, parseImage } from '../functions/image.ts';
import type { FunctionInput, FunctionOutput, FunctionRuntime, RunContext, Runner } from '../functions/types.ts';
import type { FunctionSpec } from '../krm/function-spec.ts';
import { runChild } from './child-process.ts';
import { splitCommandLine } from './command-line.ts';
import { decodeOutput, encodeInput, MAX_WIRE_BYTES } from './wire-format.ts';

export interface ProcessRuntimeOptions {
  /** Without it every `exec` is refused and `binaries` are not used. */
  readonly allowed: boolean;
  /** Where the root package lies: programs are looked for, and run, in the folder of the package that names them. */
  readonly directory: string;
  /** Programs that stand for images, by image name without tag: absolute paths. */
  readonly binaries?: ReadonlyMap<string, string>;
  /** The programs' whole environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Runs `exec` functions, and images for which a local program is configured, as processes of this machine. */
export function createProcessRuntime(options: ProcessRuntimeOptions): FunctionRuntime {
  return {
    name: 'process',
    runner(spec) {
      const command = commandOf(spec, options);
      if (command === undefined) return undefined;
      if (!options.allowed) throw notAllowed(spec);
      return new ProcessRunner(command, spec.exec ?? spec.image ?? '', options);
    },
  };
}

function commandOf(spec: FunctionSpec, { allowed, binaries }: ProcessRuntimeOptions): readonly string[] | undefined {
  if (spec.exec !== undefined) return splitCommandLine(spec.exec);
  const reference = spec.image === undefined ? undefined : parseImage(spec.image);
  const binary = reference === undefined || !allowed ? undefined : binaries?.get(imageName(reference));
  return binary === undefined ? undefined : [binary];
}

class ProcessRunner implements Runner {
  readonly resolved: string;
  readonly runtime = 'process';
  readonly #command: readonly string[];
  readonly #options: ProcessRuntimeOptions;

  constructor(command: readonly string[], resolved: string, options: ProcessRuntimeOptions) {
    this.#command = command;
    this.resolved = resolved;
    this.#options = options;
  }

  async run(input: FunctionInput, { signal, packagePath }: RunContext): Promise<FunctionOutput> {
    const cwd = join(this.#options.directory, packagePath);
    const [program = '', ...args] = this.#command;
    // A path belongs to the package, whatever folder the command was called from; a bare name is looked up in PATH.
    const resolved = program.includes('/') && !isAbsolute(program) ? join(cwd, program) : program;
    const { env } = this.#options;
    const child = { command: [resolved, ...args], cwd, env, input: encodeInput(input) };
    const { exitCode, stdout, stderr } = await runChild({ ...child, maxOutputBytes: MAX_WIRE_BYTES, signal });
    return { ...toOutput(exitCode, stdout, input), stderr, exitCode };
  }
}

/** A function that failed need not have written anything; what it wrote may tell why. */
export function toOutput(
  exitCode: number,
  stdout: Uint8Array,
  { items }: FunctionInput,
): Pick<FunctionOutput, 'items' | 'results'> {
  if (exitCode === 0) return decodeOutput(stdout, items);
  try {
    return { items, results: decodeOutput(stdout, items).results };
  } catch (error) {
    if (error instanceof TerminalError) return { items, results: [] };
    throw error;
  }
}

function notAllowed(spec: FunctionSpec): TerminalError {
  const message = `programs of this machine may not be run: ${JSON.stringify(spec.exec)}; --allow-exec allows it`;
  return new TerminalError('ExecNotAllowed', message);
}
