import { TransientError } from '../../../api/errors.ts';
import type { KubeObject } from '../../../api/object.ts';
import type { KindRef } from '../../store.ts';
import type { ApiClient } from './client.ts';
import { groupVersionPath } from './paths.ts';

interface Looked {
  readonly at: number;
  /** By kind; empty when the group version is not served. */
  readonly kinds: ReadonlyMap<string, KindRef>;
}

interface ResourceList {
  readonly resources?: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[] | null;
}

/** How long what was found is believed. */
const KEEP_MS = 600_000;
/** How soon it is asked again for what was not found: a CRD may have come. */
const KEEP_MISSING_MS = 10_000;
/** Group versions remembered; users name them. */
const MAX_GROUP_VERSIONS = 500;

/** Finds what a URL needs to know of a kind, from the server, with a memory. */
export class KindDiscovery {
  readonly #client: Pick<ApiClient, 'json'>;
  readonly #now: () => number;
  readonly #known = new Map<string, Looked>();
  readonly #looking = new Map<string, Promise<Looked>>();

  /** @param now milliseconds of a clock that does not jump */
  constructor(client: Pick<ApiClient, 'json'>, now: () => number = () => performance.now()) {
    this.#client = client;
    this.#now = now;
  }

  /**
   * Undefined when the server serves no such kind.
   * @throws TransientError when it could not be asked: that is not the same
   */
  async resolveKind<T extends KubeObject>(apiVersion: string, kind: string): Promise<KindRef<T> | undefined> {
    const known = this.#known.get(apiVersion);
    const found = known?.kinds.get(kind);
    const age = known ? this.#now() - known.at : Number.POSITIVE_INFINITY;
    if (age <= (found ? KEEP_MS : KEEP_MISSING_MS)) return found as KindRef<T> | undefined;
    const { kinds } = await this.#look(apiVersion);
    return kinds.get(kind) as KindRef<T> | undefined;
  }

  /** One question at a time for each group version, for whoever wants to know: no caller's signal ends it. */
  #look(apiVersion: string): Promise<Looked> {
    const running = this.#looking.get(apiVersion);
    if (running) return running;
    const look = this.#ask(apiVersion).finally(() => this.#looking.delete(apiVersion));
    this.#looking.set(apiVersion, look);
    return look;
  }

  async #ask(apiVersion: string): Promise<Looked> {
    const looked = { at: this.#now(), kinds: await this.#kindsOf(apiVersion) };
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= MAX_GROUP_VERSIONS) this.#known.delete(oldest);
    this.#known.delete(apiVersion);
    this.#known.set(apiVersion, looked);
    return looked;
  }

  async #kindsOf(apiVersion: string): Promise<ReadonlyMap<string, KindRef>> {
    try {
      const { resources } = await this.#client.json<ResourceList>({
        method: 'GET',
        path: groupVersionPath(apiVersion),
      });
      const own = (resources ?? []).filter(({ name }) => !name.includes('/'));
      return new Map(own.map(({ name: plural, kind, namespaced }) => [kind, { apiVersion, kind, plural, namespaced }]));
    } catch (error) {
      if (error instanceof TransientError && error.reason === 'NotServed') return new Map();
      throw error;
    }
  }
}
