import { LRUCache } from 'lru-cache';
import { TerminalError, TransientError } from '../../../api/errors.ts';
import type { Oid, PushOutcome, RefUpdate } from '../types.ts';
import { missingObjects, type ObjectSource } from './direct/missing-objects.ts';
import type { EncodedObject } from './object-format.ts';
import { checkOid, checkRefName } from './ref-format.ts';

const MAX_UNPUSHED = 10_000;

/** Commits made here that no push is known to have brought to the remote. */
export class OutgoingCommits {
  readonly #unpushed = new LRUCache<Oid, true>({ maxSize: MAX_UNPUSHED, sizeCalculation: () => 1 });

  add(oid: Oid): void {
    this.#unpushed.set(oid, true);
  }

  /** What the remote lacks of the targets when its refs are as the updates expect; undefined when it takes git to tell. */
  async missing(source: ObjectSource, updates: readonly RefUpdate[]): Promise<readonly EncodedObject[] | undefined> {
    const wanted = updates.flatMap(({ expected, target }) => (target === null || target === expected ? [] : [target]));
    const had = updates.flatMap(({ expected }) => (expected === null ? [] : [expected]));
    try {
      return await missingObjects(source, { wanted, had, isNew: (oid) => this.#unpushed.has(oid) });
    } catch {
      // Damage of the mirror is for git to find.
      return undefined;
    }
  }

  pushed(updates: readonly RefUpdate[], outcomes: ReadonlyMap<string, PushOutcome>): void {
    for (const { ref, target } of updates) if (target !== null && outcomes.get(ref)?.ok) this.#unpushed.delete(target);
  }
}

/** @throws TerminalError InvalidRef, InvalidObjectId; TransientError ObjectMissing for a target that is not `there` */
export async function checkUpdates(
  updates: readonly RefUpdate[],
  there: (oid: Oid) => Promise<boolean>,
  url: string,
): Promise<void> {
  const seen = new Set<string>();
  for (const { ref, expected, target } of updates) {
    checkRefName(ref);
    if (seen.has(ref)) throw new TerminalError('InvalidRef', `${ref} is twice in one push`);
    seen.add(ref);
    if (expected !== null) checkOid(expected);
    if (target !== null && !(await there(target))) {
      throw new TransientError('ObjectMissing', `the mirror of ${url} does not hold ${target}`);
    }
  }
}
