import { errorMessage, TransientError, VerandaError } from '../../api/errors.ts';
import { INJECTED_RESOURCE_ANNOTATION } from '../../api/labels.ts';
import { deleteIn, getIn, getString, isList, isMap, type KrmMap, type KrmValue, setIn } from '../../krm/value.ts';
import type { Package } from '../../package/package.ts';
import { editRootKptfile } from '../root-kptfile.ts';
import type { Mutation, MutationContext } from '../types.ts';
import { findInjectionPoints, type InjectionPoint, type InjectionPoints, isInjectionType } from './injection-points.ts';
import { asUpstream, contentField, injectedFrom, upstreamPoints } from './undo-injection.ts';

/** Names an object of the cluster; group, version and kind limit the points that it is for ('' is the core group). */
export interface Injector {
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
  readonly name: string;
}

/**
 * All objects of a kind that may be injected, in the variant's namespace; none for a kind that the cluster lacks.
 * @throws TransientError when it could not look
 */
export type InjectionLookup = (apiVersion: string, kind: string) => Promise<readonly KrmMap[]>;

/** What became of one point. */
interface Decision {
  readonly point: InjectionPoint;
  /** Absent when nothing was injected. */
  readonly value?: KrmMap;
  /** What takes the place of something that was injected before. */
  readonly restored?: KrmMap;
  readonly message: string;
}

/**
 * Copies data of cluster objects into the package's injection points: `data` of ConfigMaps, `spec` of everything else,
 * wholesale. Every point gets a condition in the root Kptfile and every required one a readiness gate, so that a package
 * that lacks its data cannot be proposed; those of points that are gone go too. What an injector brought that the variant no longer
 * has gives way to what the upstream has.
 * @throws TerminalError InvalidInjectionPoint; TransientError when the lookup could not look, and the package is then
 * as it was
 */
export function injectConfig(injectors: readonly Injector[], lookup: InjectionLookup): Mutation {
  return {
    name: 'injectConfig',
    async apply(context, pkg) {
      const found = findInjectionPoints(pkg);
      const objects = injectors.length === 0 ? undefined : await lookUpAll(found.points, lookup, context.signal);
      const taken = found.points.map((point) => decide(point, found.points, injectors, objects));
      const decisions = await undoDropped(taken, injectors, pkg, context);
      const unmetInjections = decisions
        .filter(({ point, value }) => point.required && !value)
        .map(({ point }) => point.conditionType);
      const injected = writePoints(pkg, found, decisions);
      return { pkg: editRootKptfile(injected, (kptfile) => record(kptfile, decisions)), result: { unmetInjections } };
    },
  };
}

/** What an injector brought that is gone from the spec goes too; what an object brought that is gone from the cluster stays. */
async function undoDropped(
  decisions: readonly Decision[],
  injectors: readonly Injector[],
  pkg: Package,
  context: MutationContext,
): Promise<readonly Decision[]> {
  const isDropped = ({ point, value }: Decision): boolean => {
    const from = injectedFrom(point);
    return !value && from !== undefined && !injectors.some((one) => one.name === from && fits(one, point));
  };
  if (!decisions.some(isDropped)) return decisions;
  const upstream = await upstreamPoints(pkg, context);
  return decisions.map((decision) => {
    if (!isDropped(decision)) return decision;
    const { point, message } = decision;
    const before = upstream.get(point.conditionType);
    if (before) return { ...decision, restored: asUpstream(point, before) };
    return { ...decision, message: `${message}; keeps what ${JSON.stringify(injectedFrom(point))} brought before` };
  });
}

type ObjectsByType = ReadonlyMap<string, readonly KrmMap[]>;

async function lookUpAll(
  points: readonly InjectionPoint[],
  lookup: InjectionLookup,
  signal: AbortSignal,
): Promise<ObjectsByType> {
  const objects = new Map<string, readonly KrmMap[]>();
  for (const point of points) {
    const { apiVersion, kind } = point;
    const type = typeKey(point);
    if (objects.has(type)) continue;
    signal.throwIfAborted();
    try {
      objects.set(type, await lookup(apiVersion, kind));
    } catch (cause) {
      if (cause instanceof VerandaError) throw cause;
      const message = `cannot list ${kind} (${apiVersion}) for injection: ${errorMessage(cause)}`;
      throw new TransientError('InjectionLookupFailed', message, { cause, file: point.file });
    }
  }
  return objects;
}

function decide(
  point: InjectionPoint,
  points: readonly InjectionPoint[],
  injectors: readonly Injector[],
  objects: ObjectsByType | undefined,
): Decision {
  if (!objects) return { point, message: 'the variant has no injectors' };
  const candidates = objects.get(typeKey(point)) ?? [];
  if (candidates.length === 0) return { point, message: `no ${point.kind} (${point.apiVersion}) to inject exists` };
  const object = select(point, points, injectors, candidates);
  if (!object) return { point, message: 'no injector names an existing object for it' };
  const name = getString(object, ['metadata', 'name']) ?? '';
  const field = contentField(point);
  const content = getIn(object, [field]);
  if (content === undefined) return { point, message: `${point.kind} ${JSON.stringify(name)} has no ${field}` };
  const filled = setIn(point.value, [field], content);
  const value = setIn(filled, ['metadata', 'annotations', INJECTED_RESOURCE_ANNOTATION], name);
  return { point, value, message: `took ${JSON.stringify(name)}` };
}

/**
 * The object of the first injector that fits the point and names one that exists. Where a package has several points of
 * one kind, an injector with a point's own name is that point's and goes before the others; otherwise all of them would
 * get the same data.
 */
function select(
  point: InjectionPoint,
  points: readonly InjectionPoint[],
  injectors: readonly Injector[],
  candidates: readonly KrmMap[],
): KrmMap | undefined {
  const fitting = injectors.filter((injector) => fits(injector, point));
  const hasSiblings = points.some((other) => other !== point && typeKey(other) === typeKey(point));
  const own = hasSiblings ? fitting.filter(({ name }) => name === point.name) : [];
  for (const { name } of [...own, ...fitting]) {
    const object = candidates.find((candidate) => getString(candidate, ['metadata', 'name']) === name);
    if (object) return object;
  }
  return undefined;
}

function fits(injector: Injector, { apiVersion, kind }: InjectionPoint): boolean {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return (
    (injector.group === undefined || injector.group === group) &&
    (injector.version === undefined || injector.version === version) &&
    (injector.kind === undefined || injector.kind === kind)
  );
}

function typeKey({ apiVersion, kind }: InjectionPoint): string {
  return `${apiVersion} ${kind}`;
}

function writePoints(pkg: Package, { files }: InjectionPoints, decisions: readonly Decision[]): Package {
  return pkg.edit(
    [...files].map(([path, file]) => {
      const changes = new Map<number, KrmValue>();
      for (const { point, value, restored } of decisions) {
        const changed = value ?? restored;
        if (point.file === path && changed) changes.set(point.document.index, changed);
      }
      return [path, { mode: pkg.get(path)?.mode ?? '100644', bytes: file.edit(changes).bytes }] as const;
    }),
  );
}

/** Gates and conditions of the points, sorted by type among those of others; without points only stale ones go. */
function record(kptfile: KrmMap, decisions: readonly Decision[]): KrmMap {
  const gates = decisions
    .filter(({ point }) => point.required)
    .map(({ point }) => ({ conditionType: point.conditionType }));
  const conditions = decisions.map(toCondition);
  const gated = syncOwned(kptfile, ['info', 'readinessGates'], 'conditionType', gates);
  return syncOwned(gated, ['status', 'conditions'], 'type', conditions);
}

function toCondition({ point, value, message }: Decision): KrmMap {
  const type = point.conditionType;
  return value
    ? { type, status: 'True', reason: 'ConfigInjected', message }
    : { type, status: 'False', reason: 'NoResourceSelected', message };
}

function syncOwned(kptfile: KrmMap, path: readonly string[], key: string, owned: readonly KrmMap[]): KrmMap {
  const present = getIn(kptfile, path);
  const entries = isList(present) ? present : [];
  const typeOf = (entry: KrmValue): string => (isMap(entry) ? (getString(entry, [key]) ?? '') : '');
  const foreign = entries.filter((entry) => !isInjectionType(typeOf(entry)));
  if (owned.length > 0) {
    const all = [...new Map([...foreign, ...owned].map((entry) => [typeOf(entry), entry])).values()];
    return setIn(
      kptfile,
      path,
      all.sort((a, b) => (typeOf(a) < typeOf(b) ? -1 : 1)),
    );
  }
  if (foreign.length === entries.length) return kptfile;
  return foreign.length > 0 ? setIn(kptfile, path, foreign) : deleteIn(kptfile, path);
}
