import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type AuditEvent, AuditLog } from '../../env/cluster/audit-log.ts';
import { type ControlPlane, startControlPlane } from '../../env/cluster/control-plane.ts';
import { installApi } from '../../env/cluster/install.ts';
import { Rollout } from '../support/rollout.ts';
import { KnownRevisions } from './known-revisions.ts';

const VARIANTS = 100;
const REVISIONS = 1_000;
const SETTLING_MS = 60_000;
const WINDOW_MS = 60_000;
const REPOSITORIES = ['blueprints', 'east', 'west'];
const READS = ['get', 'list', 'watch'];

let plane: ControlPlane;
let fleet: Rollout;
let known: KnownRevisions;
let settledAt: number;

beforeAll(async () => {
  plane = await startControlPlane({ audit: true, controllerManager: false });
  await installApi(plane.kubeconfig);
  fleet = await Rollout.open(plane, { variants: VARIANTS, schedule: '@every 20s' });
  await fleet.replicas();
  await fleet.begin();
  await fleet.untilSettled(1);
  settledAt = Date.now();
  known = await KnownRevisions.open(plane, REVISIONS);
}, 480_000);

afterAll(async () => {
  await Promise.all([fleet?.close(), known?.close()]);
  await plane?.stop();
}, 120_000);

/** Writes in a namespace and to what is in none. Questions about rights are sent as objects that nobody keeps. */
function writesTo({ namespace }: { readonly namespace: { readonly name: string } }, events: readonly AuditEvent[]) {
  return events
    .filter(({ verb, objectRef }) => !READS.includes(verb) && !objectRef?.resource?.endsWith('accessreviews'))
    .filter(({ objectRef }) => (objectRef?.namespace ?? namespace.name) === namespace.name)
    .map(({ verb, objectRef }) => `${verb} ${objectRef?.resource}/${objectRef?.name}`);
}

test('the operator is started anew with 1,000 known revisions: it writes its Lease, and fetches nothing', async () => {
  await known.discover();
  const audit = new AuditLog(plane);
  await audit.read();
  const before = known.gitRequests;
  await known.restart();
  const writes = new Set(writesTo(known, await audit.read()));
  expect(writes).toEqual(new Set(['update leases/veranda-controller']));
  expect(known.gitRequests).toEqual({
    ...before,
    discoverFetch: before.discoverFetch + 1,
    lsRefs: before.lsRefs + 1,
  });
}, 240_000);

test('a fleet of 100 variants, 60 s after it settled: no write but of the Lease, git is asked for its refs by the schedule', async () => {
  await sleep(Math.max(0, settledAt + SETTLING_MS - Date.now()));
  const audit = new AuditLog(plane);
  await audit.read();
  const before = fleet.gitRequests;
  await sleep(WINDOW_MS);
  const [events, after] = [await audit.read(), fleet.gitRequests];
  const writes = writesTo(fleet, events);
  expect(writes.length).toBeGreaterThan(10);
  expect(new Set(writes)).toEqual(new Set(['update leases/veranda-controller']));
  const looks = after.lsRefs - before.lsRefs;
  expect(looks).toBeGreaterThanOrEqual(2 * REPOSITORIES.length);
  expect(looks).toBeLessThanOrEqual(4 * REPOSITORIES.length);
  expect({ ...after, discoverFetch: 0, lsRefs: 0 }).toEqual({ ...before, discoverFetch: 0, lsRefs: 0 });
}, 240_000);
