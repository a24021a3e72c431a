import { TerminalError } from '../api/errors.ts';
import { type KrmFile, parseKrmFile } from './file.ts';
import { type FunctionSpec, isImageReference, type Selector } from './function-spec.ts';
import { KPTFILE_SHAPE, nearestName, type Shape } from './kptfile-schema.ts';
import { lineOfPath, locateNode, readSourceTree, type SourceNode, UntrackedForm } from './source-tree.ts';
import { formatPath, getIn, isList, isMap, type KrmMap, type KrmPath, type KrmValue } from './value.ts';

export interface KptfileCondition {
  readonly type: string;
  /** True, False or Unknown; anything else in a file reads as Unknown with a warning. */
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

/** The parts of `kpt.dev/v1` Kptfile that we read; `raw` has everything. */
export interface Kptfile {
  readonly raw: KrmMap;
  /** '' when the file names none. */
  readonly name: string;
  readonly labels: { readonly [key: string]: string };
  readonly annotations: { readonly [key: string]: string };
  readonly upstream?: {
    readonly type?: string;
    readonly git?: { readonly repo?: string; readonly directory?: string; readonly ref?: string };
    readonly updateStrategy?: string;
  };
  readonly upstreamLock?: {
    readonly type?: string;
    readonly git?: {
      readonly repo?: string;
      readonly directory?: string;
      readonly ref?: string;
      readonly commit?: string;
    };
    /** `digest` is a whole reference by digest. */
    readonly oci?: { readonly image?: string; readonly digest?: string };
  };
  readonly readinessGates: readonly string[];
  readonly conditions: readonly KptfileCondition[];
  readonly mutators: readonly FunctionSpec[];
  readonly validators: readonly FunctionSpec[];
  /** Things worth telling that do not make the file invalid. */
  readonly warnings: readonly string[];
}

/**
 * Reads and checks a Kptfile: its first document; others are kept and ignored.
 * @param path where the Kptfile lies in the package, for messages
 * @throws TerminalError reason InvalidKptfile with file, line and field
 */
export function readKptfile(path: string, bytes: Uint8Array): { readonly kptfile: Kptfile; readonly file: KrmFile } {
  const { file, raw } = openKptfile(path, bytes);
  const reader = new KptfileReader(path, file, raw);
  return { kptfile: reader.read(), file };
}

/** Edits the Kptfile (its first document) in place: comments, order and unknown fields stay; same bytes if `edit` changes nothing. */
export function editKptfile(path: string, bytes: Uint8Array, edit: (kptfile: KrmMap) => KrmMap): Uint8Array {
  const { file, raw } = openKptfile(path, bytes);
  const next = edit(raw);
  return next === raw ? bytes : file.edit(new Map([[0, next]])).bytes;
}

function openKptfile(path: string, bytes: Uint8Array): { readonly file: KrmFile; readonly raw: KrmMap } {
  const file = parseKrmFile(path, bytes);
  const [problem] = file.problems;
  if (problem !== undefined) {
    const { line, column } = problem;
    throw new TerminalError('InvalidKptfile', problem.message, { file: path, line, column });
  }
  const first = file.documents[0];
  if (first === undefined) throw new TerminalError('InvalidKptfile', 'the Kptfile is empty', { file: path });
  if (!isMap(first.value)) {
    throw new TerminalError('InvalidKptfile', 'the Kptfile is no map', { file: path, line: first.line });
  }
  return { file, raw: first.value };
}

const OLD_VERSIONS: readonly KrmValue[] = ['kpt.dev/v1alpha1', 'kpt.dev/v1alpha2'];
const STATUSES: readonly string[] = ['True', 'False', 'Unknown'];

type StringMap = { readonly [key: string]: string };
class KptfileReader {
  readonly #path: string;
  readonly #raw: KrmMap;
  readonly #source: string;
  readonly #firstLine: number;
  readonly #warnings: string[] = [];
  #tree: SourceNode | undefined;

  constructor(path: string, file: KrmFile, raw: KrmMap) {
    this.#path = path;
    this.#raw = raw;
    this.#source = file.documents[0]?.source ?? '';
    this.#firstLine = file.documents[0]?.line ?? 1;
  }

  read(): Kptfile {
    this.#checkVersion();
    const checked = this.#check(this.#raw, KPTFILE_SHAPE, []) as KrmMap;
    const metadata = isMap(checked.metadata) ? checked.metadata : {};
    const gates = getIn(checked, ['info', 'readinessGates']);
    return {
      raw: this.#raw,
      name: typeof metadata.name === 'string' ? metadata.name : '',
      labels: stringMap(metadata.labels),
      annotations: stringMap(metadata.annotations),
      upstream: optional<Kptfile['upstream']>(checked.upstream),
      upstreamLock: optional<Kptfile['upstreamLock']>(checked.upstreamLock),
      readinessGates: isList(gates) ? gates.map((gate) => String(getIn(gate, ['conditionType']) ?? '')) : [],
      conditions: this.#conditions(),
      mutators: this.#functions(checked, 'mutators'),
      validators: this.#functions(checked, 'validators'),
      warnings: this.#warnings,
    };
  }

  #checkVersion(): void {
    const { apiVersion, kind } = this.#raw;
    if (apiVersion === 'kpt.dev/v1' && kind === 'Kptfile') return;
    if (kind === 'Kptfile' && OLD_VERSIONS.includes(apiVersion ?? null)) {
      this.#fail(
        ['apiVersion'],
        `${String(apiVersion)} is an old Kptfile version that cannot be read; migrate the package to kpt.dev/v1`,
      );
    }
    const found = `apiVersion ${JSON.stringify(apiVersion ?? null)} and kind ${JSON.stringify(kind ?? null)}`;
    this.#fail(apiVersion === 'kpt.dev/v1' ? ['kind'] : ['apiVersion'], `unknown resource type: ${found}`);
  }

  #fail(path: KrmPath, message: string): never {
    const line = this.#firstLine - 1 + lineOfPath(this.#source, path);
    throw new TerminalError('InvalidKptfile', message, { file: this.#path, line, field: formatPath(path) });
  }

  #check(value: KrmValue, shape: Shape, path: KrmPath): KrmValue | undefined {
    if (shape === 'open') return value;
    if (value === null) return undefined;
    if (shape === 'string') return this.#string(value, path);
    if (shape === 'stringMap') return this.#stringMap(value, path);
    if ('list' in shape) {
      if (!isList(value)) this.#fail(path, 'must be a list');
      return value.map((item, index) => this.#check(item, shape.list, [...path, index]) ?? {});
    }
    if (!isMap(value)) this.#fail(path, 'must be a map');
    const { required } = shape;
    if (required !== undefined && (value[required] ?? null) === null) this.#fail([...path, required], 'must be set');
    return this.#fields(value, shape.fields, path);
  }

  #fields(map: KrmMap, fields: { readonly [key: string]: Shape }, path: KrmPath): KrmMap {
    const known = Object.keys(fields);
    const checked: [string, KrmValue | undefined][] = [];
    for (const [key, value] of Object.entries(map)) {
      const shape = Object.hasOwn(fields, key) ? fields[key] : undefined;
      if (shape === undefined) this.#unknown(key, known, path);
      checked.push([key, this.#check(value ?? null, shape, [...path, key])]);
    }
    return Object.fromEntries(checked.filter(([, value]) => value !== undefined));
  }

  #unknown(key: string, known: readonly string[], path: KrmPath): never {
    const near = nearestName(key, known);
    const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean ${near}?`;
    this.#fail([...path, key], `unknown field ${JSON.stringify(key)}; ${hint}`);
  }

  /** Go takes the text of a plain number or boolean where a string is wanted: `1.10` stays "1.10". */
  #string(value: KrmValue, path: KrmPath): string {
    if (typeof value === 'string') return value;
    if (isList(value) || isMap(value)) this.#fail(path, 'must be a string');
    const node = this.#node(path);
    return node?.kind === 'scalar' && node.style === 'plain' ? this.#source.slice(node.start, node.end) : String(value);
  }

  #node(path: KrmPath): SourceNode | undefined {
    try {
      this.#tree ??= readSourceTree(this.#source);
    } catch (error) {
      if (!(error instanceof UntrackedForm)) throw error;
    }
    return locateNode(this.#tree, path)?.node;
  }

  #stringMap(value: KrmValue, path: KrmPath): KrmMap {
    if (!isMap(value)) this.#fail(path, 'must be a map of strings');
    const entries = Object.entries(value).map(([key, item]) => {
      return [key, item === null || item === undefined ? '' : this.#string(item, [...path, key])] as const;
    });
    return Object.fromEntries(entries);
  }

  #conditions(): KptfileCondition[] {
    const conditions = getIn(this.#raw, ['status', 'conditions']);
    if (conditions === undefined || conditions === null) return [];
    if (!isList(conditions)) this.#fail(['status', 'conditions'], 'must be a list');
    return conditions.map((condition, index) => this.#condition(condition, index));
  }

  #condition(condition: KrmValue, index: number): KptfileCondition {
    const path = ['status', 'conditions', index];
    if (!isMap(condition)) this.#fail(path, 'must be a map');
    const text = (key: string) => {
      const value = condition[key];
      return value === undefined || value === null ? undefined : this.#string(value, [...path, key]);
    };
    const type = text('type') ?? '';
    const found = text('status') ?? '';
    const status = STATUSES.find((candidate) => candidate.toLowerCase() === found.toLowerCase()) ?? 'Unknown';
    if (!STATUSES.includes(found)) {
      this.#warnings.push(`${this.#path}: condition ${type} has status ${JSON.stringify(found)}; read as ${status}`);
    }
    return { type, status, reason: text('reason'), message: text('message') };
  }

  #functions(checked: KrmMap, phase: 'mutators' | 'validators'): FunctionSpec[] {
    const functions = getIn(checked, ['pipeline', phase]);
    if (!isList(functions)) return [];
    return functions.map((value, index) => this.#function(value as KrmMap, ['pipeline', phase, index]));
  }

  #function(map: KrmMap, path: KrmPath): FunctionSpec {
    const spec = functionSpec(map);
    this.#checkRunnable(spec, path);
    const configMap = spec.configMap !== undefined && Object.keys(spec.configMap).length > 0;
    const given = [
      configMap ? 'configMap' : undefined,
      spec.configPath === undefined ? undefined : 'configPath',
      spec.configRef === undefined ? undefined : 'configRef',
    ].filter((key) => key !== undefined);
    if (given.length > 1) this.#fail([...path, given[1] as string], `cannot be set together with ${given[0]}`);
    if (spec.configPath !== undefined) this.#checkConfigPath(spec.configPath, [...path, 'configPath']);
    if (spec.configRef !== undefined && !(spec.configRef.kind && spec.configRef.name)) {
      this.#fail([...path, 'configRef'], 'must have kind and name');
    }
    return configMap ? spec : { ...spec, configMap: undefined };
  }

  #checkRunnable(spec: FunctionSpec, path: KrmPath): void {
    if (spec.image && spec.exec) this.#fail([...path, 'exec'], 'image and exec cannot both be set');
    if (!spec.image && !spec.exec) this.#fail(path, 'a function must have image or exec');
    if (spec.image && !isImageReference(spec.image)) {
      this.#fail([...path, 'image'], `${JSON.stringify(spec.image)} is no image reference (name[:tag][@digest])`);
    }
    if (spec.exec && hasOpenQuote(spec.exec)) this.#fail([...path, 'exec'], 'a quote is not closed');
  }

  #checkConfigPath(configPath: string, path: KrmPath): void {
    const shown = JSON.stringify(configPath);
    if (configPath.trim() === '') this.#fail(path, 'must not be blank');
    if (configPath.startsWith('/')) this.#fail(path, `${shown} must be relative to the Kptfile`);
    if (configPath.split('/').includes('..')) this.#fail(path, `${shown} must not leave the package`);
  }
}

function optional<T>(value: KrmValue | undefined): T | undefined {
  return isMap(value) ? (value as T) : undefined;
}

function stringMap(value: KrmValue | undefined): StringMap {
  return isMap(value) ? (value as StringMap) : {};
}

/** A function of a checked pipeline, or of a manifest that has the same shape. */
function functionSpec(map: KrmMap): FunctionSpec {
  const selectors = (value: KrmValue | undefined) =>
    isList(value) ? (value as readonly KrmValue[] as readonly Selector[]) : undefined;
  return {
    ...(map as FunctionSpec),
    selectors: selectors(map.selectors),
    exclude: selectors(map.exclude),
  };
}

/** Shell quoting: a backslash escapes outside of single quotes. */
function hasOpenQuote(command: string): boolean {
  let quote = '';
  for (let at = 0; at < command.length; at += 1) {
    const character = command[at] as string;
    if (character === '\\' && quote !== "'") {
      if (at === command.length - 1) return true;
      at += 1;
    } else if (quote === '') {
      if (character === '"' || character === "'") quote = character;
    } else if (character === quote) quote = '';
  }
  return quote !== '';
}
