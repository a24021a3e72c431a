import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PACKAGE_REVISION, REPOSITORY } from '../../../src/api/kinds.ts';
import { stringifyKrm } from '../../../src/krm/file.ts';
import type { PodWorld } from '../../e2e/pods/world.ts';
import { isReady, makeNamespace, type TestNamespace } from '../../e2e/support/cluster.ts';
import { type RunningController, startController } from '../../e2e/support/operator.ts';
import { BareRepository } from '../../env/git/bare-repository.ts';
import { type GitServer, startGitServer } from '../../env/git/git-server.ts';
import type { SeededRandom } from '../support/random.ts';
import { configOf } from './evaluations.ts';
import { makeInput } from './inputs.ts';

/** What the kernel says of the operator after so many evaluations, with nothing under way. */
export interface Usage {
  readonly evaluations: number;
  readonly rssMB: number;
  readonly descriptors: number;
}

export interface OperatorRun {
  readonly usages: readonly Usage[];
  readonly seconds: number;
}

const STEPS = 50;
/** Packages whose drafts are asked for together. */
const TOGETHER = 2;
const SETTLE_MS = 1_500;

/** Drafts of packages with fifty steps each, made and deleted by an operator of its own. */
export async function runOperator(world: PodWorld, random: SeededRandom, evaluations: number): Promise<OperatorRun> {
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const root = await mkdtemp(join(tmpdir(), 'veranda-bench-'));
    closers.push(() => rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
    const git = await startGitServer({ root });
    closers.push(() => git.close());
    const { kubeconfig } = world.controlPlane;
    const namespace = await makeNamespace(kubeconfig, 'bench');
    closers.push(() => namespace.close());
    const config = configOf('misbehaving', { maxPods: 2 });
    await namespace.apply({ ...config, metadata: { ...config.metadata, namespace: 'veranda-system' } });
    const operator = await startController({ kubeconfig: world.operatorKubeconfig, flags: flagsFor(world, namespace) });
    closers.push(() => operator.stop());
    await makeRepositories(root, world, random, evaluations / STEPS);
    await namespace.apply(repository(git, 'drafts'));
    return await measured(operator, namespace, git, evaluations / STEPS);
  } finally {
    for (const closer of closers.reverse()) await closer();
  }
}

async function measured(
  operator: RunningController,
  namespace: TestNamespace,
  git: GitServer,
  packages: number,
): Promise<OperatorRun> {
  const usages: Usage[] = [];
  const start = performance.now();
  for (let at = 0; at < packages; at += TOGETHER) {
    const numbers = Array.from({ length: TOGETHER }, (_, offset) => at + offset);
    await namespace.apply(...numbers.map((number) => revision(git, number)));
    await namespace.until('drafts', PACKAGE_REVISION, (all) => all.length === TOGETHER && all.every(isReady));
    const made = await namespace.list(PACKAGE_REVISION);
    for (const { metadata, status } of made) {
      const ran = status?.renderStatus?.steps?.filter(({ runtime }) => runtime === 'pod').length;
      if (ran !== STEPS) throw new Error(`${metadata.name}: ${ran} of ${STEPS} steps ran in pods`);
      await namespace.store.delete(PACKAGE_REVISION, metadata);
    }
    await namespace.until('no drafts', PACKAGE_REVISION, (all) => all.length === 0);
    await sleep(SETTLE_MS);
    usages.push({ evaluations: (at + TOGETHER) * STEPS, ...(await usageOf(operator.pid)) });
  }
  const counted = await operator.metric('veranda_function_seconds_count', { runtime: 'pod', result: 'success' });
  if (counted !== packages * STEPS) throw new Error(`the operator counts ${counted} runs in pods`);
  return { usages, seconds: (performance.now() - start) / 1000 };
}

function flagsFor({ registry }: PodWorld, { name }: TestNamespace): readonly string[] {
  return [
    '--leader-elect=false',
    `--namespace=${name}`,
    '--runtimes=pod',
    '--loopback-registries=true',
    `--allow-images=${registry.host}/fns`,
  ];
}

async function makeRepositories(root: string, world: PodWorld, random: SeededRandom, packages: number): Promise<void> {
  const drafts = await BareRepository.create(join(root, 'drafts.git'));
  await drafts.commit('main', { 'README.md': 'packages\n' });
  const upstream = await BareRepository.create(join(root, 'upstream.git'));
  const [image = ''] = world.image('misbehaving').resolved.split('@');
  const files: [string, string][] = [];
  for (let number = 0; number < packages; number += 1) {
    const mutators = Array.from({ length: STEPS }, () => ({
      image,
      configMap: { milliseconds: '5', word: random.word() },
    }));
    const name = packageName(number);
    const kptfile = { apiVersion: 'kpt.dev/v1', kind: 'Kptfile', metadata: { name }, pipeline: { mutators } };
    files.push([`${name}/Kptfile`, stringifyKrm(kptfile)]);
    const { items } = makeInput(random, 10, 300, {});
    for (const [at, item] of items.entries()) files.push([`${name}/item-${at}.yaml`, stringifyKrm(item)]);
  }
  await upstream.commit('main', Object.fromEntries(files));
}

const packageName = (number: number) => `package-${number}`;

function repository(git: GitServer, name: string) {
  const { apiVersion, kind } = REPOSITORY;
  const spec = { type: 'git', git: { repo: git.url(`${name}.git`), branch: 'main' } };
  return { apiVersion, kind, metadata: { name }, spec };
}

function revision(git: GitServer, number: number) {
  const { apiVersion, kind } = PACKAGE_REVISION;
  const source = { cloneFrom: { git: { repo: git.url('upstream.git'), ref: 'main', directory: packageName(number) } } };
  const place = { packageName: packageName(number), repository: 'drafts', workspaceName: 'first' };
  return {
    apiVersion,
    kind,
    metadata: { name: `drafts.${packageName(number)}.first` },
    spec: { ...place, lifecycle: 'Draft', source },
  };
}

async function usageOf(pid: number): Promise<Pick<Usage, 'rssMB' | 'descriptors'>> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const rss = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  return { rssMB: (rss * 1024) / 1e6, descriptors: (await readdir(`/proc/${pid}/fd`)).length };
}
