import type { TaskRecord, VariantRecord } from '../types.ts';
import type { Oid } from './types.ts';

const MARK = 'kpt:';

/** What a commit says of the package revision that it belongs to: the JSON behind `kpt:` on a line of its own. */
export interface Trailer {
  /** Path of the package from the root of the repository. */
  readonly package: string;
  readonly workspaceName: string;
  /** 0 on draft commits, the number of the revision on approvals. */
  readonly revision: number;
  /** Absent on approvals. */
  readonly task?: TaskRecord;
  readonly veranda?: VariantRecord;
  /** Tree of the package as we made it: a commit that holds another one was amended. Absent on approvals and Porch's commits. */
  readonly tree?: Oid;
}

const SUBJECTS: ReadonlyMap<string, string> = new Map([
  ['init', 'Creating new empty revision'],
  ['clone', 'Creating new revision by cloning'],
  ['edit', 'Creating new revision by copying previous revision'],
  ['upgrade', 'Upgrading revision'],
  ['render', 'Rendering package'],
  ['', 'Intermediate commit'],
]);

/** Types of task that a revision can begin with. */
export const FIRST_TASKS: ReadonlySet<string> = new Set(['init', 'clone', 'edit', 'upgrade']);

/** Subject line of a draft commit. */
export function taskSubject(type: string): string {
  return SUBJECTS.get(type) ?? `Intermediate commit: ${type}`;
}

/** A commit message; the trailer is its last line. */
export function formatMessage(subject: string, trailer?: Trailer): string {
  if (!trailer) return `${subject}\n`;
  const { package: path, workspaceName, revision, task, tree } = trailer;
  const veranda = tree === undefined ? trailer.veranda : { ...trailer.veranda, tree };
  const json = JSON.stringify({ package: path, workspaceName, revision: String(revision), task, veranda });
  return `${subject}\n\n${MARK}${json}\n`;
}

/** All readable trailers of a message; lines that are none are passed over. */
export function parseTrailers(message: string): Trailer[] {
  const trailers: Trailer[] = [];
  for (const line of message.split('\n')) {
    const text = line.trim();
    if (!text.startsWith(MARK)) continue;
    const trailer = readTrailer(text.slice(MARK.length));
    if (trailer) trailers.push(trailer);
  }
  return trailers;
}

/** The trailer of one package; the last one counts. */
export function trailerOf(message: string, path: string, workspace?: string): Trailer | undefined {
  return parseTrailers(message).findLast(
    (trailer) => trailer.package === path && (workspace === undefined || trailer.workspaceName === workspace),
  );
}

function readTrailer(json: string): Trailer | undefined {
  const value = parseObject(json);
  if (!value) return undefined;
  const { package: path, workspaceName, revision, task, veranda } = value;
  if (typeof path !== 'string' || path === '') return undefined;
  return {
    package: path,
    workspaceName: typeof workspaceName === 'string' ? workspaceName : '',
    revision: readRevision(revision),
    task: readTask(task),
    veranda: readVariant(veranda),
    ...(isObject(veranda) && typeof veranda.tree === 'string' ? { tree: veranda.tree } : {}),
  };
}

function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `"3"`, and `"v3"` as older writers have it. */
function readRevision(value: unknown): number {
  const digits = /^v?([1-9][0-9]{0,8})$/.exec(String(value ?? ''))?.[1];
  return digits === undefined ? 0 : Number(digits);
}

function readTask(value: unknown): TaskRecord | undefined {
  return isObject(value) && typeof value.type === 'string' ? { ...value, type: value.type } : undefined;
}

function readVariant(value: unknown): VariantRecord | undefined {
  if (!isObject(value)) return undefined;
  const { variant, inputHash } = value;
  const record = {
    ...(typeof variant === 'string' ? { variant } : {}),
    ...(typeof inputHash === 'string' ? { inputHash } : {}),
  };
  return Object.keys(record).length > 0 ? record : undefined;
}
