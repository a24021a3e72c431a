import { describe, expect, test } from '@jest/globals';
import { createBuiltinRuntime } from '../../../src/functions/builtin-runtime.ts';
import type { FunctionRuntime, Runner } from '../../../src/functions/types.ts';
import type { Package } from '../../../src/package/package.ts';
import { createRenderer } from '../../../src/render/renderer.ts';
import type { CommitInfo, Draft } from '../../../src/repository/types.ts';
import { RenderError } from '../../../src/task/errors.ts';
import { commitTo, TaskHandler } from '../../../src/task/handler.ts';
import { readRootKptfile } from '../../../src/task/root-kptfile.ts';
import type { Mutation, Task } from '../../../src/task/types.ts';
import { variantMutations } from '../../../src/task/variant.ts';
import { contextOf, failingRenderer, KPTFILE, packageOf, revisionOf, sourcesOf, targetOf, textOf } from './support.ts';

const handler = new TaskHandler();
const initTask: Task = { type: 'init', init: {} };

/** Keeps what it is told to write. */
function draftOf(): Draft & { readonly commits: { readonly pkg: Package; readonly info: CommitInfo }[] } {
  const commits: { readonly pkg: Package; readonly info: CommitInfo }[] = [];
  return {
    key: { package: 'istions', workspace: 'v1' },
    commits,
    async update(pkg, info) {
      commits.push({ pkg, info });
    },
    async close() {
      throw new Error('not the handler to close drafts');
    },
  };
}

function writes(path: string, text: string): Mutation {
  return {
    name: `writes ${path}`,
    async apply(_context, pkg) {
      const file = { mode: '100644', bytes: new TextEncoder().encode(text) } as const;
      return { pkg: pkg.edit([[path, file]]), result: { warnings: [`wrote ${path}`] } };
    },
  };
}

/** A runtime for one function image, which does nothing but exit. */
function runtimeOf(image: string, exitCode: number): FunctionRuntime {
  const runner: Runner = {
    resolved: image,
    runtime: 'test',
    async run({ items }) {
      return { items, results: [], exitCode, stderr: exitCode === 0 ? '' : 'cannot go on' };
    },
  };
  return { name: 'test', runner: (spec) => (spec.image?.includes(image) ? runner : undefined) };
}

describe('with the real renderer', () => {
  const pipeline = 'pipeline:\n  mutators:\n  - image: registry.example.com/stop:v1\n';
  const upstream = revisionOf({ content: packageOf({ Kptfile: KPTFILE + pipeline }) });
  const cloneTask: Task = { type: 'clone', clone: { upstreamRef: { name: upstream.name } } };

  test('7.1.4: a new package is rendered', async () => {
    const renderer = createRenderer({ runtime: runtimeOf('none', 0), allowedImages: ['registry.example.com'] });
    const { pkg } = await handler.applyTask(initTask, {}, contextOf({ renderer }));
    expect(readRootKptfile(pkg).conditions).toMatchObject([
      { type: 'Rendered', status: 'True', reason: 'RenderSuccess' },
    ]);
  });

  test('rendering again what was rendered leaves nothing to commit', async () => {
    const renderer = createRenderer({ runtime: runtimeOf('stop', 0), allowedImages: ['registry.example.com'] });
    const context = contextOf({ renderer, sources: sourcesOf([upstream]) });
    const mutations = variantMutations({ name: 'pv', pipeline: { mutators: [{ image: 'stop' }] } }, async () => []);
    const { pkg } = await handler.applyTask(cloneTask, { mutations }, context);
    expect((await handler.doPackageRevisionMutations(pkg, { mutations }, context)).changed).toBe(false);
  });

  test('R-11: a deployment with a nested package has a context for each, and any function renders it', async () => {
    const images = ['set-namespace:v0.4.1', 'set-labels:v0.2.0', 'ensure-name-substring:v0.2.0'];
    const configs = ['{namespace: city}', '{tier: web}', '{prepend: x-}'];
    const steps = images.map((image, index) => `  - image: ${image}\n    configMap: ${configs[index]}\n`).join('');
    const context =
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kptfile.kpt.dev\n  annotations:\n    config.kubernetes.io/local-config: "true"\ndata:\n  name: example\n';
    const content = packageOf({
      Kptfile: `${KPTFILE}pipeline:\n  mutators:\n${steps}`,
      'package-context.yaml': context,
      'park/Kptfile': KPTFILE,
      'park/package-context.yaml': context,
      'park/a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n',
    });
    const sources = sourcesOf([revisionOf({ name: upstream.name, content })]);
    const renderer = createRenderer({ runtime: createBuiltinRuntime() });
    const target = targetOf({ package: 'city', deployment: true });
    const { pkg, result } = await handler.applyTask(cloneTask, {}, contextOf({ renderer, sources, target }));
    expect(result.render?.failure).toBeUndefined();
    expect(result.render?.steps.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    expect(textOf(pkg, 'package-context.yaml')).toContain('name: city\n');
    expect(textOf(pkg, 'park/package-context.yaml')).toContain('name: example\n');
    expect(textOf(pkg, 'park/a.yaml')).toContain('name: x-a\n');
  });

  test('7.2.40: a function of the upstream that fails makes the clone fail, with its words', async () => {
    const renderer = createRenderer({ runtime: runtimeOf('stop', 1), allowedImages: ['registry.example.com'] });
    const failure = handler.applyTask(cloneTask, {}, contextOf({ renderer, sources: sourcesOf([upstream]) }));
    await expect(failure).rejects.toMatchObject({
      reason: 'RenderFailed',
      report: { steps: [{ exitCode: 1, stderr: 'cannot go on' }] },
    });
  });
});

describe('applyTask', () => {
  test('runs the task, the mutations in order, metadata and render, and makes one commit of it', async () => {
    const request = {
      mutations: [writes('a.yaml', 'a: 1\n'), writes('a.yaml', 'a: 2\n')],
      metadata: { labels: { x: 'y' } },
    };
    const outcome = await handler.applyTask(initTask, request, contextOf());
    expect(outcome.steps.map(({ name, changed }) => [name, changed])).toEqual([
      ['init', true],
      ['writes a.yaml', true],
      ['writes a.yaml', true],
      ['metadata', true],
      ['render', false],
    ]);
    expect(outcome.result.warnings).toEqual(['wrote a.yaml', 'wrote a.yaml']);
    expect(textOf(outcome.pkg, 'a.yaml')).toBe('a: 2\n');

    const draft = draftOf();
    await commitTo(draft, outcome, { author: { name: 'jo', email: 'jo@example.com' } });
    expect(draft.commits).toEqual([
      { pkg: outcome.pkg, info: { task: { type: 'init', init: {} }, author: { name: 'jo', email: 'jo@example.com' } } },
    ]);
  });

  test('V-04: a draft is never without its variant: content, gate and condition are one commit', async () => {
    const point =
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: net\n  annotations:\n    kpt.dev/config-injection: required\ndata: {}\n';
    const upstream = revisionOf({ content: packageOf({ Kptfile: KPTFILE, 'net.yaml': point }) });
    const mutations = variantMutations({ name: 'pv', injectors: [{ name: 'missing' }] }, async () => []);
    const context = contextOf({ sources: sourcesOf([upstream]) });
    const task: Task = { type: 'clone', clone: { upstreamRef: { name: upstream.name } } };
    const outcome = await handler.applyTask(task, { mutations, metadata: { readinessGates: ['own'] } }, context);
    const draft = draftOf();
    await commitTo(draft, outcome);
    expect(draft.commits).toHaveLength(1);
    const kptfile = readRootKptfile(outcome.pkg);
    expect(kptfile.readinessGates).toEqual(['config.injection.ConfigMap.net', 'own']);
    expect(kptfile.conditions).toMatchObject([{ type: 'config.injection.ConfigMap.net', status: 'False' }]);
    expect(outcome.result.unmetInjections).toEqual(['config.injection.ConfigMap.net']);
  });

  test('a failing pipeline is a terminal error of its own', async () => {
    const failure = handler.applyTask(initTask, {}, contextOf({ renderer: failingRenderer('exit code 1') }));
    await expect(failure).rejects.toThrow(RenderError);
    await expect(failure).rejects.toMatchObject({ retry: 'terminal', message: 'exit code 1' });
  });

  test('with push-on-render-failure the creation stands and tells of the failure', async () => {
    const context = contextOf({ renderer: failingRenderer('no') });
    const outcome = await handler.applyTask(initTask, { pushOnRenderFailure: true }, context);
    expect(outcome.pkg.has('Kptfile')).toBe(true);
    expect(outcome.result.render?.failure?.message).toBe('no');
  });

  test('a cancelled request stops', async () => {
    const signal = AbortSignal.abort(new Error('shutting down'));
    await expect(handler.applyTask(initTask, {}, contextOf({ signal }))).rejects.toThrow('shutting down');
  });
});

describe('doPackageRevisionMutations', () => {
  const pkg = packageOf({ Kptfile: KPTFILE });

  test('without a difference there is no commit', async () => {
    const outcome = await handler.doPackageRevisionMutations(pkg, {}, contextOf());
    expect(outcome.changed).toBe(false);
    const draft = draftOf();
    await commitTo(draft, outcome);
    expect(draft.commits).toEqual([]);
  });

  test('metadata replaces what the Kptfile has', async () => {
    const labelled = packageOf({ Kptfile: `${KPTFILE}  labels:\n    a: "1"\n    b: "2"\n` });
    const outcome = await handler.doPackageRevisionMutations(
      labelled,
      { metadata: { labels: { a: '9' } } },
      contextOf(),
    );
    expect(readRootKptfile(outcome.pkg).labels).toEqual({ a: '9' });
    expect(outcome.record).toEqual({ type: 'render' });
  });

  test('7.6.102: what a function writes to the Kptfile is in the outcome', async () => {
    const renderer = {
      async render(before: Package) {
        const text = textOf(before, 'Kptfile').replace('name: app', 'name: app\n  labels:\n    by: function');
        return {
          package: before.edit([['Kptfile', packageOf({ x: text }).get('x') ?? null]]),
          report: { steps: [], warnings: [] },
        };
      },
    };
    const outcome = await handler.doPackageRevisionMutations(pkg, {}, contextOf({ renderer }));
    expect(readRootKptfile(outcome.pkg).labels).toEqual({ by: 'function' });
    expect(outcome.changed).toBe(true);
  });

  test('a package that the pipeline left without a readable Kptfile is refused', async () => {
    const renderer = {
      async render() {
        return { package: packageOf({ Kptfile: 'a: [\n' }), report: { steps: [], warnings: [] } };
      },
    };
    const failure = handler.doPackageRevisionMutations(pkg, {}, contextOf({ renderer }));
    await expect(failure).rejects.toMatchObject({ reason: 'InvalidKptfile' });
  });
});

describe('wouldChange', () => {
  const porchMade = packageOf({
    Kptfile: `${KPTFILE}info:
  readinessGates:
  - conditionType: config.injection.ConfigMap.net
pipeline:
  mutators:
  - image: set-namespace
    name: PackageVariant.pv.ns.0
status:
  conditions:
  - type: config.injection.ConfigMap.net
    status: "True"
    reason: ConfigInjected
    message: in other words
`,
    'net.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: net
  annotations:
    kpt.dev/config-injection: required
    kpt.dev/injected-resource: site
data: {mtu: "9000"}
`,
    'package-context.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kptfile.kpt.dev\ndata: {name: app, zone: a}\n',
  });
  const content = {
    name: 'pv',
    packageContext: { data: { zone: 'a' } },
    pipeline: { mutators: [{ name: 'ns', image: 'set-namespace' }] },
    injectors: [{ name: 'site' }],
  };
  const site = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'site' }, data: { mtu: '9000' } };

  test('a package that another controller made from the same inputs is taken over untouched', async () => {
    const mutations = variantMutations(content, async () => [site]);
    expect(await handler.wouldChange(porchMade, mutations, contextOf())).toBe(false);
  });

  test.each([
    { what: 'package context', changed: { ...content, packageContext: { data: { zone: 'b' } } } },
    { what: 'pipeline', changed: { ...content, pipeline: {} } },
  ])('another $what would change it', async ({ changed }) => {
    const mutations = variantMutations(changed, async () => [site]);
    expect(await handler.wouldChange(porchMade, mutations, contextOf())).toBe(true);
  });

  test('injected data that has changed would change it', async () => {
    const mutations = variantMutations(content, async () => [{ ...site, data: { mtu: '1500' } }]);
    expect(await handler.wouldChange(porchMade, mutations, contextOf())).toBe(true);
  });

  test('a difference that the pipeline takes back again is none', async () => {
    const renderer = {
      async render() {
        return { package: porchMade, report: { steps: [], warnings: [] } };
      },
    };
    expect(await handler.wouldChange(porchMade, [writes('a.yaml', 'a: 1\n')], contextOf({ renderer }))).toBe(false);
    expect(await handler.wouldChange(porchMade, [writes('a.yaml', 'a: 1\n')], contextOf())).toBe(true);
  });
});

describe('doPackageRevisionResourceMutations', () => {
  const oldPkg = packageOf({ Kptfile: KPTFILE });
  const newPkg = packageOf({ Kptfile: KPTFILE, 'a.yaml': 'a: 1\n' });

  test('7.5.66: the new content is rendered and recorded as a render', async () => {
    const outcome = await handler.doPackageRevisionResourceMutations(oldPkg, newPkg, {}, contextOf());
    expect(outcome.steps.map(({ name }) => name)).toEqual(['replace', 'render']);
    expect(outcome.pkg.hash()).toBe(newPkg.hash());
    expect(outcome.record).toEqual({ type: 'render' });
  });

  test('7.5.77: unchanged content is rendered, not committed', async () => {
    const outcome = await handler.doPackageRevisionResourceMutations(oldPkg, oldPkg, {}, contextOf());
    expect(outcome.changed).toBe(false);
    expect(outcome.result.render).toEqual({ steps: [], warnings: [] });
  });

  test('7.5.79 and 7.5.82: a failing function keeps the content out, also with partial results', async () => {
    const partial = packageOf({ Kptfile: KPTFILE, 'a.yaml': 'a: 1 # half\n' });
    const context = contextOf({ renderer: failingRenderer('no', partial) });
    const failure = handler.doPackageRevisionResourceMutations(oldPkg, newPkg, {}, context);
    await expect(failure).rejects.toMatchObject({ reason: 'RenderFailed' });
  });

  test('7.5.80: push-on-render-failure takes the unrendered content', async () => {
    const context = contextOf({ renderer: failingRenderer('no') });
    const options = { pushOnRenderFailure: true };
    const outcome = await handler.doPackageRevisionResourceMutations(oldPkg, newPkg, options, context);
    expect(outcome.pkg.hash()).toBe(newPkg.hash());
    expect(outcome.changed).toBe(true);
  });

  test('7.5.81: with save-on-render-failure it takes what the renderer left', async () => {
    const partial = packageOf({ Kptfile: KPTFILE, 'a.yaml': 'a: 1 # half\n' });
    const context = contextOf({ renderer: failingRenderer('no', partial) });
    const options = { pushOnRenderFailure: true };
    const outcome = await handler.doPackageRevisionResourceMutations(oldPkg, newPkg, options, context);
    expect(textOf(outcome.pkg, 'a.yaml')).toBe('a: 1 # half\n');
  });
});

test('a target in a deployment repository keeps its kind through the handler', async () => {
  const context = contextOf({ target: targetOf({ deployment: true }), sources: sourcesOf([revisionOf()]) });
  const task: Task = { type: 'clone', clone: { upstreamRef: { name: 'blueprints.basens.v1' } } };
  const outcome = await handler.applyTask(task, {}, context);
  expect(outcome.pkg.has('package-context.yaml')).toBe(true);
});
