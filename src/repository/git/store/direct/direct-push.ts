import { TransientError, VerandaError } from '../../../../api/errors.ts';
import type { CallOptions } from '../../../types.ts';
import type { PushOutcome, RefMap, RefUpdate } from '../../types.ts';
import type { EncodedObject } from '../object-format.ts';
import { encodePack } from '../pack-format.ts';
import { outcomesOf } from '../push-outcome.ts';
import type { Remote } from '../remote.ts';
import {
  type Capabilities,
  encodeListing,
  encodePush,
  listsRefs,
  readListing,
  readPushCapabilities,
  readPushReport,
  readVersion2Capabilities,
  takesPush,
} from './protocol.ts';
import { AnswerLost, type GitService, type SmartHttp } from './smart-http.ts';

/** A server that is upgraded, or replaced by another, is asked again after so long. */
const CAPABILITIES_MS = 600_000;
const NONE: Capabilities = new Map();

interface Known {
  readonly capabilities: Capabilities;
  readonly at: number;
}

/**
 * Pushes without git. What we push was made here from commits that the server has, so that there is nothing to negotiate: the
 * commands carry what each ref must be, the server compares, and neither side looks at its other refs, of which there may be
 * thousands. Whatever does not go as it should, but for what the server refuses, is left to `git push`.
 */
export class DirectPush {
  readonly #remote: Remote;
  readonly #now: () => number;
  readonly #known = new Map<GitService, Known>();

  /** @param now monotonic clock, milliseconds */
  constructor(remote: Remote, now: () => number) {
    this.#remote = remote;
    this.#now = now;
  }

  /**
   * Sends all updates in one atomic push.
   * @param objects what the server lacks of the targets
   * @returns undefined when git has to do it: nothing has changed then, or nothing that stands in a repetition's way
   * @throws TransientError Timeout, PushAnswerLost when what happened is unknown; the signal's reason
   */
  async push(
    updates: readonly RefUpdate[],
    objects: readonly EncodedObject[],
    options: CallOptions,
  ): Promise<ReadonlyMap<string, PushOutcome> | undefined> {
    const changes = updates.filter(({ expected, target }) => expected !== target);
    if (changes.length === 0) return undefined;
    const connection = await this.#remote.connect(options);
    if (connection === undefined) return undefined;
    try {
      const held = updates.filter((update) => !changes.includes(update));
      return await this.#exchange(connection, changes, held, objects);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof VerandaError) throw error;
      // The server is another than was thought.
      this.#known.clear();
      if (!(error instanceof AnswerLost)) return undefined;
      const message = `what became of a push to ${this.#remote.url.display} is not known`;
      throw new TransientError('PushAnswerLost', message, { cause: error });
    } finally {
      await connection.close();
    }
  }

  /** @param held refs that must be as expected, but that nothing is asked to be done with: servers protect branches */
  async #exchange(
    connection: SmartHttp,
    changes: readonly RefUpdate[],
    held: readonly RefUpdate[],
    objects: readonly EncodedObject[],
  ): Promise<ReadonlyMap<string, PushOutcome> | undefined> {
    const capabilities = await this.#capabilities(connection, 'git-receive-pack');
    if (!takesPush(capabilities, changes)) return undefined;
    if (held.length > 0 && !(await this.#areAsExpected(connection, held))) return undefined;
    const { pack } = await encodePack(objects);
    const answer = await connection.call('git-receive-pack', encodePush(changes, pack, capabilities));
    const report = readPushReport(answer, capabilities);
    if (report === undefined || changes.some(({ ref }) => !report.refs.has(ref))) return undefined;
    const outcomes = await outcomesOf(changes, report, async () => expectedRefs(changes));
    const taken = [...outcomes.values()].filter(({ ok }) => ok).length;
    const refused = taken < changes.length;
    if (refused && taken > 0) throw new AnswerLost('the server promised atomic pushes once, and took this one in part');
    // One that moved may be where it should go already, by a push whose answer was lost: git tells.
    if (refused && !(await this.#areAsExpected(connection, changes))) return undefined;
    return new Map([...held.map(({ ref }): [string, PushOutcome] => [ref, { ok: true }]), ...outcomes]);
  }

  async #areAsExpected(connection: SmartHttp, held: readonly RefUpdate[]): Promise<boolean> {
    const capabilities = await this.#capabilities(connection, 'git-upload-pack');
    if (!listsRefs(capabilities)) return false;
    const names = held.map(({ ref }) => ref);
    const listed = readListing(await connection.call('git-upload-pack', encodeListing(names, capabilities)));
    return held.every(({ ref, expected }) => (listed.get(ref) ?? null) === expected);
  }

  async #capabilities(connection: SmartHttp, service: GitService): Promise<Capabilities> {
    const known = this.#known.get(service);
    if (known !== undefined && this.#now() - known.at < CAPABILITIES_MS) return known.capabilities;
    const advertisement = await connection.advertisement(service);
    const capabilities =
      service === 'git-receive-pack'
        ? readPushCapabilities(advertisement)
        : (readVersion2Capabilities(advertisement) ?? NONE);
    this.#known.set(service, { capabilities, at: this.#now() });
    return capabilities;
  }
}

function expectedRefs(updates: readonly RefUpdate[]): RefMap {
  return new Map(updates.flatMap(({ ref, expected }) => (expected === null ? [] : [[ref, expected]])));
}
