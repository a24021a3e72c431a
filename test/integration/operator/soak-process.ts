import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ALL_KINDS,
  PACKAGE_REVISION,
  PACKAGE_VARIANT,
  PACKAGE_VARIANT_SET,
  REPOSITORY,
} from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import { openRenderer } from '../../../src/cli/renderer.ts';
import { Operator } from '../../../src/controllers/operator.ts';
import { RepositoryGateway } from '../../../src/controllers/repository/gateway.ts';
import { EmbeddedStore } from '../../../src/kube/adapters/embedded/store.ts';
import { SharedInformer } from '../../../src/kube/informer.ts';
import { nullLogger } from '../../../src/observability/logger.ts';
import { BareRepository } from '../../env/git/bare-repository.ts';
import type { SoakJob, SoakReport } from './soak-job.ts';

// The controllers on repositories in which drafts come and go. Argument: a SoakJob as JSON. Prints a SoakReport. Needs --expose-gc.

const job = JSON.parse(process.argv[2] ?? '') as SoakJob;
/** Small, so that it is full soon: what it holds is no leak. */
const store = new EmbeddedStore({ kinds: ALL_KINDS.map((kind) => ({ kind })), historyLimit: 100 });
const gateway = new RepositoryGateway({
  mirrors: join(job.folder, 'mirrors'),
  allowLocal: true,
  credentials: () => undefined,
  now: () => Date.now(),
});
const renderer = openRenderer();
const nothing = { onChange: () => undefined };
const operator = new Operator({
  store,
  informers: {
    repositories: new SharedInformer(store, REPOSITORY, { logger: nullLogger }),
    revisions: new SharedInformer(store, PACKAGE_REVISION, { logger: nullLogger }),
    variants: new SharedInformer(store, PACKAGE_VARIANT, { logger: nullLogger }),
    variantSets: new SharedInformer(store, PACKAGE_VARIANT_SET, { logger: nullLogger }),
  },
  isCurrent: (informer) => store.isCurrent(informer.kind, informer.resourceVersion),
  gateway,
  injectables: { ...nothing, list: async () => [], byName: () => [] },
  selectables: { ...nothing, list: async () => [] },
  secrets: () => async () => undefined,
  secretChanges: nothing,
  renderer,
  events: { record: () => undefined },
  logger: nullLogger,
});
const signal = AbortSignal.timeout(job.timeoutMs);
const remotes: { readonly remote: BareRepository; readonly drafts: readonly string[] }[] = [];

function register(index: number, description: string): Promise<KubeObject> {
  const repo = remotes[index]?.remote.path ?? '';
  const object: KubeObject & { readonly spec: object } = {
    apiVersion: REPOSITORY.apiVersion,
    kind: REPOSITORY.kind,
    metadata: { name: `r${index}`, namespace: 'default' },
    spec: { type: 'git', description, git: { repo } },
  };
  return store.apply(object, { fieldManager: 'soak' });
}

async function settle(): Promise<void> {
  await operator.idle({ horizonMs: 1_000, signal });
}

/** Of two drafts one comes and the other one goes, in each repository. They are rendered already. */
async function round(number: number): Promise<void> {
  const [comes, goes] = [number % 2, (number + 1) % 2];
  for (const [index, { remote, drafts }] of remotes.entries()) {
    const folder = join(remote.path, 'refs/heads/drafts/app');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `w${comes}`), `${drafts[comes]}\n`);
    await rm(join(folder, `w${goes}`), { force: true });
    await register(index, `round ${number}`);
  }
  await settle();
}

async function heap(): Promise<number> {
  const sizes: number[] = [];
  for (let turn = 0; turn < 5; turn++) {
    gc?.();
    await new Promise((resolve) => setImmediate(resolve));
    sizes.push(process.memoryUsage().heapUsed);
  }
  return Math.min(...sizes);
}

for (let index = 0; index < job.repositories; index++) {
  const remote = await BareRepository.create(join(job.folder, `r${index}.git`));
  const kptfile = 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: app\n';
  const head = await remote.commit('main', { 'app/Kptfile': kptfile });
  for (let number = 1; number <= job.revisions; number++) await remote.git('tag', `app/v${number}`, head);
  const drafts: string[] = [];
  for (const workspaceName of ['w0', 'w1']) {
    const message = `Rendering package\n\nkpt:${JSON.stringify({ package: 'app', workspaceName, task: { type: 'render' } })}\n`;
    drafts.push(await remote.commit(`refs/soak/${workspaceName}`, { 'app/Kptfile': kptfile }, message));
  }
  remotes.push({ remote, drafts });
  await register(index, 'new');
}
await operator.start(signal);
await settle();
const heaps: number[] = [];
let number = 0;
for (let measured = 0; measured < job.measurements; measured++) {
  for (let index = 0; index < job.rounds; index++) await round(++number);
  heaps.push(await heap());
}
const { items } = await store.list(PACKAGE_REVISION);
await operator.stop();
await gateway.closeAll();
await renderer.close();
const report: SoakReport = { heaps, objects: items.length };
process.stdout.write(`${JSON.stringify(report)}\n`);
