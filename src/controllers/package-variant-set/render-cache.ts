import { setImmediate } from 'node:timers/promises';
import { TransientError } from '../../api/errors.ts';
import type { Repository } from '../../api/kinds.ts';
import type { KubeObject } from '../../api/object.ts';
import { Meter } from '../../krm/cel/meter.ts';
import { sameJson } from '../../kube/json.ts';
import type { CompiledSet } from './compile.ts';
import { isFault, renderTarget, type Surroundings } from './render.ts';
import { looksTheSame } from './seen.ts';
import type { DesiredVariant, Target, TargetFault } from './types.ts';

/** What the expressions of one target may cost together, and those of all targets before others have their turn. */
const MAX_TARGET_COST = 500_000;
const MAX_PASS_COST = 5_000_000;
/** Targets that are filled in before other work of the process gets its turn. */
const TARGETS_PER_TURN = 20;

export type RenderSurroundings = Omit<Surroundings, 'meter'>;

interface Entry {
  readonly object: KubeObject | undefined;
  readonly revision: RenderSurroundings['revision'];
  /** The repositories that were looked for. */
  readonly repositories: ReadonlyMap<string, Repository | undefined>;
  readonly result: DesiredVariant | TargetFault;
}

/**
 * The variants of one generation of a set. A target is filled in again only when something changed that its template can see,
 * so an event costs what it changes.
 */
export class RenderCache {
  readonly #set: CompiledSet;
  #entries: ReadonlyMap<string, Entry> = new Map();

  constructor(set: CompiledSet) {
    this.#set = set;
  }

  async render(
    targets: readonly Target[],
    surroundings: RenderSurroundings,
    signal: AbortSignal,
  ): Promise<readonly (DesiredVariant | TargetFault)[]> {
    const entries = new Map<string, Entry>();
    const results: (DesiredVariant | TargetFault)[] = [];
    let cost = 0;
    let made = 0;
    for (const target of targets) {
      const key = [target.name, target.object?.metadata.namespace, target.packageDefault].join('\0');
      const known = this.#entries.get(key);
      if (known && isCurrent(known, target, surroundings)) {
        entries.set(key, known);
        results.push(known.result);
        continue;
      }
      if (cost > MAX_PASS_COST) {
        results.push(postponed(target));
        continue;
      }
      const meter = new Meter(MAX_TARGET_COST);
      const entry = this.#fillIn(target, surroundings, meter);
      entries.set(key, entry);
      results.push(entry.result);
      cost += meter.spent;
      if (++made % TARGETS_PER_TURN === 0 || meter.spent > MAX_TARGET_COST / 10) {
        await setImmediate();
        signal.throwIfAborted();
      }
    }
    this.#entries = entries;
    return results;
  }

  #fillIn(target: Target, surroundings: RenderSurroundings, meter: Meter): Entry {
    const repositories = new Map<string, Repository | undefined>();
    const repository = (name: string): Repository | undefined => {
      const found = surroundings.repository(name);
      repositories.set(name, found);
      return found;
    };
    const template = this.#set.targets[target.index]?.template;
    const result = renderTarget(target, template, { ...surroundings, repository, meter });
    return { object: target.object, revision: surroundings.revision, repositories, result };
  }
}

/** Only what templates can see counts: objects change their status all the time. */
function isCurrent(entry: Entry, { object }: Target, { revision, repository }: RenderSurroundings): boolean {
  return (
    looksTheSame(entry.object, object) &&
    isSameRevision(entry.revision, revision) &&
    [...entry.repositories].every(([name, before]) => looksTheSame(before, repository(name)))
  );
}

function isSameRevision(before: RenderSurroundings['revision'], after: RenderSurroundings['revision']): boolean {
  if (before === after) return true;
  if (!('metadata' in before) || !('metadata' in after)) return sameJson(before, after);
  return looksTheSame(before, after) && before.status?.revision === after.status?.revision;
}

function postponed({ name }: Target): TargetFault {
  const message = 'the expressions of the targets before took very long; it has its turn with the next try';
  const retry = new TransientError('ExpressionsTakeLong', message);
  return { target: name, reason: retry.reason, message, passes: true, retry };
}

export function desiredOf(results: readonly (DesiredVariant | TargetFault)[]): readonly DesiredVariant[] {
  return results.filter((result): result is DesiredVariant => !isFault(result));
}
