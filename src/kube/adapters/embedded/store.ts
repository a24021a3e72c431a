import { randomUUID } from 'node:crypto';
import { ConflictError, TerminalError } from '../../../api/errors.ts';
import { type KubeObject, type ObjectMeta, objectKey, objectLabel } from '../../../api/object.ts';
import { asMap, frozenAround, frozenCopy, isMap, type JsonMap, sameJson } from '../../json.ts';
import type {
  KindRef,
  ListResult,
  ObjectName,
  ObjectStore,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '../../store.ts';
import { EventLog } from './event-log.ts';
import { withListsAsMaps, withMapsAsLists } from './keyed-lists.ts';
import { applyFields, type Managers, managerKey, updateOwners } from './managed-fields.ts';
import { mergePatch } from './merge-patch.ts';
import { assemble, checkMetadata, contentDiffers, invalid, writablePart } from './metadata.ts';
import { kindId, ObjectTable, type StoredObject } from './object-table.ts';

export interface RegisteredKind {
  readonly kind: KindRef;
  /**
   * Admission: called before a write takes effect, `old` is absent on create.
   * @throws TerminalError Invalid with the field
   */
  readonly validate?: (object: KubeObject, old?: KubeObject) => void;
}

export interface StoreChange {
  readonly before?: KubeObject;
  readonly after?: KubeObject;
}

export interface EmbeddedStoreOptions {
  /**
   * Kinds with rules. Their status is a subresource: only `applyStatus` writes it. Objects of other kinds are stored as they come.
   */
  readonly kinds?: readonly RegisteredKind[];
  /** Events of a kind that a watch can resume over. Default 10,000. */
  readonly historyLimit?: number;
  readonly now?: () => Date;
  readonly uid?: () => string;
}

/** Owners remembered after they have gone, so that a dependent that comes too late goes as well. */
const REMEMBERED_UIDS = 10_000;

/**
 * Objects in memory with the verbs and rules of an API server that controllers rely on. Objects that go in are copied, objects that
 * come out are deeply frozen. A write takes effect, and is in the history, before its method returns the promise. A write that
 * changes nothing makes no new resource version and no event. Dependents of a removed owner are deleted with it.
 */
export class EmbeddedStore implements ObjectStore {
  readonly #kinds: ReadonlyMap<string, RegisteredKind>;
  readonly #historyLimit: number;
  readonly #now: () => Date;
  readonly #newUid: () => string;
  readonly #objects = new ObjectTable();
  readonly #logs = new Map<string, EventLog>();
  readonly #subscribers = new Set<(change: StoreChange) => void>();
  readonly #goneUids = new Set<string>();
  #version = 0;

  constructor(options: EmbeddedStoreOptions = {}) {
    this.#kinds = new Map((options.kinds ?? []).map((registered) => [kindId(registered.kind), registered]));
    this.#historyLimit = options.historyLimit ?? 10_000;
    this.#now = options.now ?? (() => new Date());
    this.#newUid = options.uid ?? randomUUID;
  }

  /** Number of watches that have not ended. */
  get watches(): number {
    return [...this.#logs.values()].reduce((sum, log) => sum + log.readers, 0);
  }

  async get<T extends KubeObject>(kind: KindRef<T>, name: ObjectName, signal?: AbortSignal): Promise<T | undefined> {
    signal?.throwIfAborted();
    return this.#objects.get(kindId(kind), nameKey(kind, name))?.object as T | undefined;
  }

  async list<T extends KubeObject>(
    kind: KindRef<T>,
    options: { readonly namespace?: string; readonly signal?: AbortSignal } = {},
  ): Promise<ListResult<T>> {
    options.signal?.throwIfAborted();
    const { namespace } = options;
    const items = this.#objects.ofKind(kindId(kind)).map(({ object }) => object as T);
    const wanted = namespace === undefined ? items : items.filter((item) => item.metadata.namespace === namespace);
    return { items: wanted, resourceVersion: String(this.#version) };
  }

  async *watch<T extends KubeObject>(kind: KindRef<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    const { namespace, resourceVersion, signal, onOpen } = options;
    const from = Number(resourceVersion);
    if (from > this.#version) throw new ConflictError('Expired', `resource version ${resourceVersion} is not known`);
    onOpen?.();
    for await (const batch of this.#log(kindId(kind)).read(from, signal)) {
      for (const { type, object, version } of batch) {
        const concerns = namespace === undefined || object.metadata.namespace === namespace;
        if (concerns) yield { type, object: object as T, resourceVersion: String(version) };
        else yield { type: 'BOOKMARK', resourceVersion: String(version) };
        if (signal.aborted) return;
      }
      const [seen, latest] = [batch.at(-1)?.version ?? 0, this.#log(kindId(kind)).version];
      if (seen === latest && seen < this.#version) {
        yield { type: 'BOOKMARK', resourceVersion: String(this.#version) };
      }
    }
  }

  /** Whether a watcher of a kind that has got events up to `resourceVersion` has got all that there are. */
  isCurrent(kind: KindRef, resourceVersion: string): boolean {
    return Number(resourceVersion) >= this.#log(kindId(kind)).version;
  }

  /** Objects of whatever kind with a name, in a namespace or (`''`) in none. */
  findByName(namespace: string, name: string): readonly KubeObject[] {
    return this.#objects.byName(objectKey({ namespace, name })).map(({ object }) => object);
  }

  /**
   * Calls back on every change of an object of whatever kind, within the write; a handler must not throw.
   * @returns takes the subscription back
   */
  onChange(handler: (change: StoreChange) => void): () => void {
    this.#subscribers.add(handler);
    return () => this.#subscribers.delete(handler);
  }

  /**
   * Puts an object in as another store has it: with its uid, generation, times and status, and with those who own its fields. It is
   * not looked at by admission, and stays when its owners are not here.
   * @throws ConflictError AlreadyExists
   */
  seed<T extends KubeObject>(object: T, managers: Managers = {}): T {
    this.#mustBeNew(object);
    const content = writablePart(frozenCopy(asMap(object)), false);
    return this.#commit('ADDED', assemble(object, object.metadata, content), managers).object as T;
  }

  async create<T extends KubeObject>(object: T, options: WriteOptions): Promise<T> {
    options.signal?.throwIfAborted();
    this.#mustBeNew(object);
    const content = writablePart(frozenCopy(asMap(object)), this.#hasStatusSubresource(object));
    const managers = updateOwners({}, withListsAsMaps(content), managerKey(options.fieldManager, 'Update'), {});
    return this.#insert(object, content, managers) as T;
  }

  async apply<T extends KubeObject>(object: T, options: WriteOptions): Promise<T> {
    options.signal?.throwIfAborted();
    const existing = this.#find(object);
    checkPreconditions(object, existing?.object, object.metadata);
    const applied = withListsAsMaps(writablePart(frozenCopy(asMap(object)), this.#hasStatusSubresource(object)));
    const manager = managerKey(options.fieldManager, 'Apply');
    const live = existing ? this.#contentOf(existing) : {};
    const { value, managers } = applyFields(live, applied, manager, existing?.managers ?? {});
    if (!existing) return this.#insert(object, withMapsAsLists(value), managers) as T;
    return this.#replace(existing, withMapsAsLists(value), managers) as T;
  }

  async applyStatus<T extends KubeObject>(object: T, options: WriteOptions): Promise<T> {
    options.signal?.throwIfAborted();
    const existing = this.#find(object);
    if (!existing) throw notFound(object, object.metadata);
    checkPreconditions(object, existing.object, object.metadata);
    const { status = {} } = frozenCopy({ status: asMap(object).status });
    const manager = managerKey(options.fieldManager, 'Apply', 'status');
    const live = withListsAsMaps(asMap(existing.object));
    const applied = withListsAsMaps({ status });
    const { value, managers } = applyFields(live, applied, manager, existing.managers);
    return this.#replace(existing, withMapsAsLists(value), managers) as T;
  }

  async patch<T extends KubeObject>(
    kind: KindRef<T>,
    name: ObjectName,
    patch: object,
    options: WriteOptions,
  ): Promise<T> {
    options.signal?.throwIfAborted();
    const existing = this.#objects.get(kindId(kind), nameKey(kind, name));
    if (!existing) throw notFound(kind, name);
    const change = frozenCopy(asMap(patch));
    checkPreconditions(existing.object, existing.object, (change.metadata ?? {}) as Partial<ObjectMeta>);
    const content = withMapsAsLists(this.#contentOf(existing));
    const wanted = writablePart(change, this.#hasStatusSubresource(kind));
    const patched = mergePatch(content, wanted);
    if (!isMap(patched)) throw new TypeError('a patch of an object is a map');
    const [before, after] = [withListsAsMaps(content), withListsAsMaps(patched)];
    const manager = managerKey(options.fieldManager, 'Update');
    return this.#replace(existing, patched, updateOwners(before, after, manager, existing.managers)) as T;
  }

  async delete(
    kind: KindRef,
    name: ObjectName,
    options: { readonly uid?: string; readonly resourceVersion?: string; readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    options.signal?.throwIfAborted();
    const existing = this.#objects.get(kindId(kind), nameKey(kind, name));
    if (!existing) throw notFound(kind, name);
    checkPreconditions(existing.object, existing.object, options);
    this.#delete(existing);
  }

  #mustBeNew(like: KubeObject): void {
    if (!this.#find(like)) return;
    const object = objectLabel(like);
    throw new ConflictError('AlreadyExists', `${object} already exists`, { object });
  }

  #find(object: KubeObject): StoredObject | undefined {
    const namespaced = this.#kinds.get(kindId(object))?.kind.namespaced;
    const { namespace } = object.metadata;
    if (namespaced === true && !namespace) throw invalid(object, 'metadata.namespace', 'is required');
    if (namespaced === false && namespace) throw invalid(object, 'metadata.namespace', 'must be empty');
    return this.#objects.get(kindId(object), objectKey(object.metadata));
  }

  #hasStatusSubresource(kind: { readonly apiVersion: string; readonly kind: string }): boolean {
    return this.#kinds.has(kindId(kind));
  }

  /** The writable part of an object, status included, with its keyed lists as maps. */
  #contentOf({ object }: StoredObject): JsonMap {
    return withListsAsMaps(writablePart(asMap(object), false));
  }

  #insert(like: KubeObject, content: JsonMap, managers: Managers): KubeObject {
    const { name, namespace } = like.metadata;
    const system: ObjectMeta = {
      name,
      namespace,
      uid: this.#newUid(),
      generation: 1,
      creationTimestamp: this.#timestamp(),
    };
    const object = frozenAround(assemble(like, system, content));
    checkMetadata(object, undefined);
    this.#kinds.get(kindId(object))?.validate?.(object);
    const stored = this.#commit('ADDED', object, managers);
    this.#collectIfOrphan(stored);
    return stored.object;
  }

  #replace(existing: StoredObject, content: JsonMap, managers: Managers): KubeObject {
    const before = existing.object;
    const draft = assemble(before, before.metadata, writablePart(content, false));
    if (sameJson(draft, before)) {
      this.#noteOwners(existing, managers);
      return before;
    }
    const moved = contentDiffers(before, draft);
    const generation = (before.metadata.generation ?? 0) + (moved ? 1 : 0);
    const object = frozenAround({ ...draft, metadata: { ...draft.metadata, generation } });
    checkMetadata(object, before);
    // What is being deleted must be able to lose its finalizers whatever the rules have become.
    const deleting = before.metadata.deletionTimestamp !== undefined;
    if (moved || !deleting) this.#kinds.get(kindId(object))?.validate?.(object, before);
    if (deleting && !object.metadata.finalizers?.length) return this.#remove(object, managers);
    const stored = this.#commit('MODIFIED', object, managers);
    this.#collectIfOrphan(stored);
    return stored.object;
  }

  /** Who owns what may change though the object does not. */
  #noteOwners({ object, managers: before }: StoredObject, managers: Managers): void {
    if (sameJson(before, managers)) return;
    this.#objects.put({ object, managers });
  }

  #delete({ object, managers }: StoredObject): void {
    const { metadata } = object;
    if (!metadata.finalizers?.length) {
      this.#remove(object, managers);
      return;
    }
    if (metadata.deletionTimestamp !== undefined) return;
    // As an API server does it, so that "seen at this generation" is not true of an object that is to go.
    const generation = (metadata.generation ?? 0) + 1;
    const marked = { ...object, metadata: { ...metadata, generation, deletionTimestamp: this.#timestamp() } };
    this.#commit('MODIFIED', marked, managers);
  }

  #remove(object: KubeObject, managers: Managers): KubeObject {
    const uid = object.metadata.uid ?? '';
    const removed = this.#commit('DELETED', object, managers).object;
    this.#goneUids.add(uid);
    const [oldest] = this.#goneUids;
    if (oldest !== undefined && this.#goneUids.size > REMEMBERED_UIDS) this.#goneUids.delete(oldest);
    for (const dependent of this.#objects.ownedBy(uid)) this.#collectIfOrphan(dependent);
    return removed;
  }

  /** Deletes an object when it had owners and the last of them is known to have gone. Owners never seen prove nothing. */
  #collectIfOrphan(stored: StoredObject): void {
    const owners = stored.object.metadata.ownerReferences ?? [];
    const gone =
      owners.some(({ uid }) => this.#goneUids.has(uid)) && !owners.some(({ uid }) => this.#objects.hasUid(uid));
    if (gone) this.#delete(stored);
  }

  #commit(type: 'ADDED' | 'MODIFIED' | 'DELETED', draft: KubeObject, managers: Managers): StoredObject {
    const version = ++this.#version;
    const object = frozenAround({ ...draft, metadata: { ...draft.metadata, resourceVersion: String(version) } });
    const stored = { object, managers };
    const before = this.#objects.get(kindId(object), objectKey(object.metadata))?.object;
    if (type === 'DELETED') this.#objects.remove(stored);
    else this.#objects.put(stored);
    this.#log(kindId(object)).append({ version, type, object });
    for (const subscriber of this.#subscribers) subscriber({ before, after: type === 'DELETED' ? undefined : object });
    return stored;
  }

  #log(kind: string): EventLog {
    const log = this.#logs.get(kind) ?? new EventLog(this.#historyLimit);
    this.#logs.set(kind, log);
    return log;
  }

  #timestamp(): string {
    return this.#now()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z');
  }
}

function nameKey(kind: KindRef, { namespace, name }: ObjectName): string {
  return kind.namespaced ? objectKey({ namespace, name }) : name;
}

function notFound(kind: { readonly kind: string }, name: ObjectName): TerminalError {
  const label = `${kind.kind} ${objectKey(name)}`;
  return new TerminalError('NotFound', `${label} does not exist`, { object: label });
}

/** @throws ConflictError Conflict when the object is not the one, or not in the state, that the writer expects */
function checkPreconditions(
  like: KubeObject,
  existing: KubeObject | undefined,
  expected: { readonly uid?: string; readonly resourceVersion?: string },
): void {
  const object = objectLabel(like);
  const fault = (what: string) => new ConflictError('Conflict', `${object}: ${what}`, { object });
  if (expected.uid !== undefined && expected.uid !== existing?.metadata.uid) {
    throw fault('the object with the expected uid is not there');
  }
  if (expected.resourceVersion !== undefined && expected.resourceVersion !== existing?.metadata.resourceVersion) {
    throw fault('the object has changed since it was read');
  }
}
