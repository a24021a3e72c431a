import { describe, expect, test } from '@jest/globals';
import { createBuiltinRuntime } from '../../../../src/functions/builtin-runtime.ts';
import type { Package } from '../../../../src/package/package.ts';
import { createRenderer } from '../../../../src/render/renderer.ts';
import type { Renderer } from '../../../../src/render/types.ts';

import { clone } from '../../../../src/task/mutations/clone.ts';
import { upgrade } from '../../../../src/task/mutations/upgrade.ts';
import type { ResolvedRevision, UpgradeTask } from '../../../../src/task/types.ts';
import {
  apply,
  contextOf,
  IDLE_RENDERER,
  lockOf,
  packageOf,
  revisionOf,
  sourcesOf,
  targetOf,
  textOf,
} from '../support.ts';

const kptfile = (more = '') => `apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: basens\n${more}`;
const settings = (a: string, b = '1') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  a: "${a}"\n  b: "${b}"\n`;
const quota = 'apiVersion: v1\nkind: ResourceQuota\nmetadata:\n  name: quota\nspec: {}\n';

const lockAt = (version: number) => lockOf({ ref: `basens/v${version}`, commit: `a${version}`.repeat(20) });

function upstreamAt(version: number, content: Package, overrides: Partial<ResolvedRevision> = {}): ResolvedRevision {
  const lock = lockAt(version);
  return revisionOf({
    name: `blueprints.basens.v${version}`,
    workspace: `v${version}`,
    revision: version,
    lock,
    content,
    ...overrides,
  });
}

const v1 = upstreamAt(1, packageOf({ Kptfile: kptfile(), 'a.yaml': settings('1') }));
const v2 = upstreamAt(2, packageOf({ Kptfile: kptfile(), 'a.yaml': settings('2'), 'q.yaml': quota }));

/** What a clone of v1 is, with a person's changes. */
async function clonedFrom(
  upstream: ResolvedRevision,
  edit: (pkg: Package) => Package = (pkg) => pkg,
): Promise<ResolvedRevision> {
  const task = { upstreamRef: { name: upstream.name } };
  const content = edit(await apply(clone(task), packageOf({}), contextOf({ sources: sourcesOf([upstream]) })));
  return revisionOf({
    name: 'deployments.istions.v1',
    repository: 'deployments',
    package: 'istions',
    lock: lockOf({ repo: 'https://git.example.com/deployments.git', directory: 'istions', ref: 'istions/v1' }),
    content,
  });
}

const put = (pkg: Package, path: string, text: string) =>
  pkg.edit([[path, { mode: '100644', bytes: new TextEncoder().encode(text) }]]);
const change = (path: string, from: string | RegExp, to: string) => (pkg: Package) =>
  put(pkg, path, textOf(pkg, path).replace(from, to));

interface Setup {
  readonly local: ResolvedRevision;
  readonly revisions?: readonly ResolvedRevision[];
  readonly commits?: readonly ResolvedRevision[];
  readonly task?: Partial<UpgradeTask['upgrade']>;
  readonly trustOldUpstream?: boolean;
  readonly renderer?: Renderer;
}

function run({ local, revisions = [v1, v2], commits = [], task = {}, ...more }: Setup) {
  const { trustOldUpstream = false, renderer = IDLE_RENDERER } = more;
  const sources = sourcesOf([...revisions, local], undefined, commits);
  const context = contextOf({ sources, renderer, target: targetOf({ workspace: 'v2', trustOldUpstream }) });
  const names = {
    oldUpstream: { name: v1.name },
    newUpstream: { name: v2.name },
    currentPackage: { name: local.name },
  };
  return upgrade({ ...names, ...task }).apply(context, packageOf({}));
}

describe('an upgrade', () => {
  test('7.4.48: takes what upstream added, keeps what is only here, and locks the new upstream', async () => {
    const mine = settings('x').replace('settings', 'mine');
    const { pkg, result } = await run({ local: await clonedFrom(v1, (one) => put(one, 'mine.yaml', mine)) });
    expect(pkg.paths()).toEqual(['Kptfile', 'a.yaml', 'mine.yaml', 'q.yaml']);
    expect(textOf(pkg, 'Kptfile')).toContain(`name: istions\n`);
    expect(textOf(pkg, 'Kptfile')).toContain(`ref: basens/v2\n    commit: ${'a2'.repeat(20)}\n`);
    expect(textOf(pkg, 'Kptfile')).toMatch(/upstream:\n(?: {2}.*\n)* {4}ref: basens\/v2\n/);
    expect(textOf(pkg, 'a.yaml')).toContain('a: "2"');
    expect(result).toEqual({ warnings: [], conflicts: [] });
  });

  test('gives new resources their merge keys, and existing ones keep theirs', async () => {
    const { pkg } = await run({ local: await clonedFrom(v1) });
    expect(textOf(pkg, 'q.yaml')).toContain('metadata: # kpt-merge: /quota\n');
    expect(textOf(pkg, 'a.yaml').match(/kpt-merge/g)).toHaveLength(1);
  });

  test('7.4.49: local edits stay, upstream’s arrive, and where both edited upstream’s is taken with a conflict', async () => {
    const local = await clonedFrom(v1, change('a.yaml', 'b: "1"', 'b: "mine"'));
    expect(textOf((await run({ local })).pkg, 'a.yaml')).toMatch(/a: "2"\n {2}b: "mine"/);
    const both = await clonedFrom(v1, change('a.yaml', 'a: "1"', 'a: "mine"'));
    const { pkg, result } = await run({ local: both });
    expect(textOf(pkg, 'a.yaml')).toContain('a: "2"');
    expect(result.conflicts).toEqual([
      {
        resource: { apiVersion: 'v1', kind: 'ConfigMap', name: 'settings' },
        file: 'a.yaml',
        field: 'data.a',
        base: '1',
        local: 'mine',
        upstream: '2',
        resolution: 'upstream',
      },
    ]);
  });

  test('is idempotent: the result upgraded to the same upstream is itself', async () => {
    const local = await clonedFrom(v1, change('a.yaml', 'b: "1"', 'b: "mine"'));
    const { pkg } = await run({ local });
    const again = await run({ local: { ...local, content: pkg }, task: { oldUpstream: { name: v2.name } } });
    expect(again.pkg.hash()).toBe(pkg.hash());
    expect(again.result.conflicts).toEqual([]);
  });

  test('comments of the Kptfile and what else its upstream says stay', async () => {
    const local = await clonedFrom(v1, (pkg) =>
      change('Kptfile', 'upstream:\n', '# where from\nupstream:\n  updateStrategy: resource-merge # ours\n')(pkg),
    );
    const text = textOf((await run({ local })).pkg, 'Kptfile');
    expect(text).toContain('# where from\nupstream:\n  updateStrategy: resource-merge # ours\n');
  });

  test('117: the strategy of the Kptfile counts when the task names none', async () => {
    const strategy = (name: string) => change('Kptfile', 'upstream:\n', `upstream:\n  updateStrategy: ${name}\n`);
    const mine = (pkg: Package) => put(pkg, 'mine.txt', 'mine');
    const replaced = await clonedFrom(v1, (pkg) => mine(strategy('force-delete-replace')(pkg)));
    expect((await run({ local: replaced })).pkg.has('mine.txt')).toBe(false);
    const merged = await run({ local: replaced, task: { strategy: 'resource-merge' } });
    expect(merged.pkg.has('mine.txt')).toBe(true);
    const wrong = await clonedFrom(v1, strategy('fastest'));
    await expect(run({ local: wrong })).rejects.toMatchObject({ reason: 'InvalidStrategy' });
  });

  test('7.4.58: a clone that nobody touched fast-forwards, one that was edited does not', async () => {
    const task = { strategy: 'fast-forward' } as const;
    expect(textOf((await run({ local: await clonedFrom(v1), task })).pkg, 'Kptfile')).toContain('name: istions');
    const edited = await clonedFrom(v1, change('a.yaml', 'b: "1"', 'b: "2"'));
    await expect(run({ local: edited, task })).rejects.toMatchObject({ reason: 'LocalChanges' });
  });

  test('7.4.50: what upstream removed goes although a pipeline changed it, but not what a person did', async () => {
    const labels = 'pipeline:\n  mutators:\n  - image: set-labels:v0.2\n    configMap:\n      team: web\n';
    const both = packageOf({ Kptfile: kptfile(labels), 'a.yaml': settings('1'), 'q.yaml': quota });
    const old = upstreamAt(1, both);
    const now = upstreamAt(2, packageOf({ Kptfile: kptfile(labels), 'a.yaml': settings('1') }));
    const renderer = createRenderer({ runtime: createBuiltinRuntime() });
    const clonedAndRendered = async (edit: (pkg: Package) => Package = (pkg) => pkg) => {
      const cloned = await clonedFrom(old, edit);
      const rendered = await renderer.render(cloned.content, { signal: new AbortController().signal });
      expect(textOf(rendered.package, 'q.yaml')).toContain('team: web');
      return { ...cloned, content: rendered.package };
    };
    const untouched = await run({ local: await clonedAndRendered(), revisions: [old, now], renderer });
    expect([untouched.pkg.has('q.yaml'), untouched.result.conflicts]).toEqual([false, []]);
    const edited = await clonedAndRendered(change('q.yaml', 'spec: {}', 'spec: {hard: {pods: "3"}}'));
    const kept = await run({ local: edited, revisions: [old, now], renderer });
    expect([kept.pkg.has('q.yaml'), kept.result.conflicts]).toMatchObject([
      true,
      [{ file: 'q.yaml', resolution: 'kept' }],
    ]);
  });

  test('a downgrade is one, and says so', async () => {
    const local = await clonedFrom(v2);
    const task = { oldUpstream: { name: v2.name }, newUpstream: { name: v1.name } };
    const { pkg, result } = await run({ local, task });
    expect(textOf(pkg, 'a.yaml')).toContain('a: "1"');
    expect(pkg.has('q.yaml')).toBe(false);
    expect(result.warnings).toEqual(['downgrade: the upstream goes back from revision 2 to 1']);
  });
});

describe('the base of an upgrade', () => {
  test('M-21: is the lock’s commit when the old revision is gone', async () => {
    const { pkg } = await run({ local: await clonedFrom(v1), revisions: [v2], commits: [v1] });
    expect(textOf(pkg, 'a.yaml')).toContain('a: "2"');
  });

  test('is the lock’s commit when the tag was moved since', async () => {
    const moved = upstreamAt(1, v2.content, { lock: lockOf({ ref: 'basens/v1', commit: '9'.repeat(40) }) });
    const local = await clonedFrom(v1, change('a.yaml', 'b: "1"', 'b: "mine"'));
    const { pkg } = await run({ local, revisions: [moved, v2], commits: [v1] });
    expect(textOf(pkg, 'a.yaml')).toMatch(/a: "2"\n {2}b: "mine"/);
  });

  test('7.4.55: is the lock’s commit when the package follows the head of a branch, itself at the head of its own', async () => {
    const head = (commit: string, content: Package) =>
      upstreamAt(1, content, {
        name: 'blueprints.basens.main',
        branchHead: true,
        revision: undefined,
        lock: lockOf({ ref: 'main', commit }),
      });
    const [before, now] = [head('a'.repeat(40), v1.content), head('b'.repeat(40), v2.content)];
    const task = { oldUpstream: { name: now.name }, newUpstream: { name: now.name } };
    const clone = await clonedFrom(before);
    for (const local of [clone, { ...clone, branchHead: true, lifecycle: 'Draft' } as const]) {
      const { pkg, result } = await run({ local, revisions: [now], commits: [before], task });
      expect(textOf(pkg, 'a.yaml')).toContain('a: "2"');
      expect(textOf(pkg, 'Kptfile')).toContain(`ref: main\n    commit: ${'b'.repeat(40)}\n`);
      expect(result.warnings).toEqual([]);
    }
  });

  test('7.4.56: that cannot be had is an error that names it', async () => {
    await expect(run({ local: await clonedFrom(v1), revisions: [v2] })).rejects.toMatchObject({
      reason: 'SourceNotFound',
      message: expect.stringContaining(v1.name),
      location: { field: 'spec.source.upgrade.oldUpstream.name' },
    });
  });

  test('M-22: is missing in a package that was made from nothing', async () => {
    const scratch = await clonedFrom(v1, (pkg) => put(pkg, 'Kptfile', kptfile()));
    await expect(run({ local: scratch })).rejects.toMatchObject({ reason: 'NoUpstream' });
  });
});

describe('revisions that an upgrade refuses', () => {
  test.each(['newUpstream', 'currentPackage'] as const)('7.4.56: %s that does not exist', async (field) => {
    await expect(run({ local: await clonedFrom(v1), task: { [field]: { name: 'nobody' } } })).rejects.toMatchObject({
      reason: 'SourceNotFound',
      message: expect.stringContaining('nobody'),
    });
  });

  test.each(['oldUpstream', 'newUpstream', 'currentPackage'] as const)('7.4.57: %s that is a draft', async (field) => {
    const draft = (one: ResolvedRevision, name: string) =>
      field === name ? { ...one, lifecycle: 'Draft' as const } : one;
    const local = draft(await clonedFrom(v1), 'currentPackage');
    const revisions = [draft(v1, 'oldUpstream'), draft(v2, 'newUpstream')];
    await expect(run({ local, revisions })).rejects.toMatchObject({
      reason: 'SourceNotPublished',
      location: { field: `spec.source.upgrade.${field}.name` },
    });
  });

  test('7.4.64: an old upstream that the package was not made from', async () => {
    const other = upstreamAt(3, v1.content);
    const task = { oldUpstream: { name: other.name } };
    const local = await clonedFrom(v1);
    await expect(run({ local, revisions: [other, v1, v2], task })).rejects.toMatchObject({
      reason: 'UpstreamMismatch',
      location: { field: 'spec.source.upgrade.oldUpstream.name' },
    });
    const trusted = await run({ local, revisions: [other, v1, v2], task, trustOldUpstream: true });
    expect(textOf(trusted.pkg, 'a.yaml')).toContain('a: "2"');
  });

  test('7.4.64: a new upstream that is another package', async () => {
    const other = upstreamAt(2, v2.content, { lock: lockOf({ directory: 'other', ref: 'other/v2' }) });
    await expect(run({ local: await clonedFrom(v1), revisions: [v1, other] })).rejects.toMatchObject({
      reason: 'UpstreamMismatch',
      location: { field: 'spec.source.upgrade.newUpstream.name' },
    });
  });

  test('7.4.64: a current revision of another package', async () => {
    const local = { ...(await clonedFrom(v1)), package: 'other' };
    await expect(run({ local })).rejects.toMatchObject({ reason: 'SourceOfOtherPackage' });
  });

  test('7.4.65: two resources of one identity', async () => {
    const local = await clonedFrom(v1, (pkg) => put(pkg, 'a.yaml', `${textOf(pkg, 'a.yaml')}---\n${settings('2')}`));
    await expect(run({ local })).rejects.toMatchObject({ reason: 'DuplicateResource' });
  });
});
