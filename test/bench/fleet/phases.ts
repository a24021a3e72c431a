import { setTimeout as sleep } from 'node:timers/promises';
import { PACKAGE_REVISION, PACKAGE_VARIANT, type PackageRevision, REPOSITORY } from '../../../src/api/kinds.ts';
import { isReady } from '../../e2e/support/cluster.ts';
import { AuditLog } from '../../env/cluster/audit-log.ts';
import { type ApiCalls, callsOf, cpuSeconds, type GitRequests, gitRequests, peakRssMB } from './usage.ts';
import type { FleetWorld } from './world.ts';

export interface PhaseMeasurement {
  readonly name: 'rollout' | 'publish' | 'upgrade';
  /** From the client's first write until all refs are there and all objects Ready. */
  readonly wallSeconds: number;
  /** Part of it during which the client was still writing. */
  readonly clientSeconds: number;
  /** With its git processes. */
  readonly operatorCpuSeconds: number;
  readonly apiServerCpuSeconds: number;
  /** Of the operator, up to the end of the phase. */
  readonly peakRssMB: number;
  readonly calls: ApiCalls;
  readonly git: GitRequests;
  readonly upstreamFetches: number;
}

/** As many requests at a time as a client makes that does not spare the server. */
const CLIENTS = 16;
const POLL_MS = 100;
/** Requests that come this long after the end of a phase count for it. */
const QUIET_MS = 1500;
const PATIENCE_MS = 30 * 60_000;

/** Rolls the fleet out, publishes it and upgrades it. */
export async function runPhases(world: FleetWorld): Promise<readonly PhaseMeasurement[]> {
  const meter = new Meter(world);
  const rollout = await meter.measure('rollout', {
    start: () => eachOf(world.variants, (object) => world.namespace.apply(object)),
    done: () => allAre(world, { kind: 'draft', upstream: 1, phase: 'Draft' }),
  });
  const publish = await meter.measure('publish', {
    start: () => publishAll(world),
    done: async () =>
      (await allPublished(world)) && (await allAre(world, { kind: 'tag', upstream: 1, phase: 'Published' })),
  });
  const upgrade = await meter.measure('upgrade', {
    start: () => publishUpstream(world),
    done: () => allAre(world, { kind: 'draft', upstream: 2, phase: 'Draft' }),
  });
  return [rollout, publish, upgrade];
}

class Meter {
  readonly #world: FleetWorld;
  readonly #audit: AuditLog;
  #upstreamFetches = 0;

  constructor(world: FleetWorld) {
    this.#world = world;
    this.#audit = new AuditLog(world.plane);
    world.git.fault = (kind, { url = '' }) => {
      if (kind === 'fetch' && url.startsWith('/upstream.git/')) this.#upstreamFetches += 1;
      return undefined;
    };
  }

  async measure(
    name: PhaseMeasurement['name'],
    phase: { readonly start: () => Promise<void>; readonly done: () => Promise<boolean> },
  ): Promise<PhaseMeasurement> {
    const { operator, plane, git } = this.#world;
    process.stderr.write(`${name} …\n`);
    await this.#audit.read();
    const [operatorCpu, apiCpu] = await Promise.all([cpuSeconds(operator.pid), cpuSeconds(plane.apiServerPid)]);
    const [requests, fetches, begin] = [gitRequests(git), this.#upstreamFetches, performance.now()];
    await phase.start();
    const clientSeconds = secondsSince(begin);
    while (!(await phase.done())) {
      if (secondsSince(begin) * 1000 > PATIENCE_MS)
        throw new Error(`${name} does not end:\n${operator.output().slice(-4000)}`);
      await sleep(POLL_MS);
    }
    const wallSeconds = secondsSince(begin);
    await sleep(QUIET_MS);
    return {
      name,
      wallSeconds,
      clientSeconds,
      operatorCpuSeconds: (await cpuSeconds(operator.pid)) - operatorCpu,
      apiServerCpuSeconds: (await cpuSeconds(plane.apiServerPid)) - apiCpu,
      peakRssMB: await peakRssMB(operator.pid),
      calls: callsOf(await this.#audit.read()),
      git: difference(gitRequests(git), requests),
      upstreamFetches: this.#upstreamFetches - fetches,
    };
  }
}

interface Wanted {
  /** Refs that each package has. */
  readonly kind: 'draft' | 'tag';
  /** Number of the upstream's revision. */
  readonly upstream: number;
  readonly phase: string;
}

/** Whether git has the ref of each variant, and then whether each variant is Ready at its generation. */
async function allAre({ downstreams, variants, namespace }: FleetWorld, wanted: Wanted): Promise<boolean> {
  const prefix = wanted.kind === 'draft' ? 'refs/heads/drafts/' : 'refs/tags/';
  const lists = await Promise.all(downstreams.map((repository) => repository.git('ls-remote', '.', `${prefix}*`)));
  const refs = lists.flatMap((text) => text.split('\n')).filter((line) => line !== '');
  if (refs.length < variants.length) return false;
  const objects = await namespace.list(PACKAGE_VARIANT);
  return objects.every(
    (variant) =>
      isReady(variant) &&
      variant.status?.phase === wanted.phase &&
      variant.status.upstream?.revision === wanted.upstream,
  );
}

/** The revisions that variants have made, without those that stand for a branch. */
async function downstreamRevisions({ namespace }: FleetWorld): Promise<readonly PackageRevision[]> {
  const revisions = await namespace.list(PACKAGE_REVISION);
  return revisions.filter(({ spec, status }) => spec.repository !== 'upstream' && status?.revision !== -1);
}

/** Somebody proposes and approves each draft, one patch after the other. */
async function publishAll(world: FleetWorld): Promise<void> {
  await eachOf(await downstreamRevisions(world), async ({ metadata: { name } }) => {
    for (const lifecycle of ['Proposed', 'Published']) {
      await world.namespace.patch(PACKAGE_REVISION, name, { spec: { lifecycle } });
    }
  });
}

async function allPublished(world: FleetWorld): Promise<boolean> {
  const revisions = await downstreamRevisions(world);
  return revisions.every(
    (revision) =>
      revision.spec.lifecycle === 'Published' &&
      revision.status?.observedLifecycle === 'Published' &&
      isReady(revision),
  );
}

/** A second revision of the upstream, with a changed field and one resource more. */
async function publishUpstream({ fleet, namespace }: FleetWorld): Promise<void> {
  const { packageName: name, upstream } = fleet;
  const path = `${name}/deployment.yaml`;
  const before = await upstream.git('show', `main:${path}`);
  const seed: Record<string, string> = {
    [path]: `${before.replace(/replicas: \d+/, 'replicas: 9')}\n`,
    [`${name}/extra.yaml`]: `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: extra\ndata:\n  more: "yes"\n`,
  };
  for (const file of ['Kptfile', 'service.yaml', 'configmap.yaml']) {
    seed[`${name}/${file}`] = `${await upstream.git('show', `main:${name}/${file}`)}\n`;
  }
  await upstream.commit('main', seed);
  await upstream.git('tag', `${name}/v2`, 'main');
  const annotations = { 'veranda.dev/reconcile-at': new Date().toISOString() };
  await namespace.patch(REPOSITORY, 'upstream', { metadata: { annotations } });
}

async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const iterator = items.values();
  const client = async () => {
    for (const item of iterator) await work(item);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

function secondsSince(begin: number): number {
  return (performance.now() - begin) / 1000;
}

function difference(after: GitRequests, before: GitRequests): GitRequests {
  const kinds = Object.keys(after) as (keyof GitRequests)[];
  return Object.fromEntries(kinds.map((kind) => [kind, after[kind] - before[kind]])) as GitRequests;
}
