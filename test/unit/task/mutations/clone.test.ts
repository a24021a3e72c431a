import { describe, expect, test } from '@jest/globals';
import { parseKrmFile } from '../../../../src/krm/file.ts';
import { getIn } from '../../../../src/krm/value.ts';
import { clone } from '../../../../src/task/mutations/clone.ts';
import { normaliseDirectory, normaliseRepo } from '../../../../src/task/mutations/upstream-fields.ts';
import type { ResolvedRevision } from '../../../../src/task/types.ts';
import {
  apply,
  applyTwice,
  contextOf,
  KPTFILE,
  lockOf,
  packageOf,
  revisionOf,
  sourcesOf,
  targetOf,
  textOf,
} from '../support.ts';

const byName = clone({ upstreamRef: { name: 'blueprints.basens.v1' } });
const empty = packageOf({});

function contextWith(upstream: Partial<ResolvedRevision>, target = targetOf()) {
  return contextOf({ sources: sourcesOf([revisionOf(upstream)]), target });
}

function dataIn(text: string, index = 0): unknown {
  return parseKrmFile('f.yaml', new TextEncoder().encode(text)).documents[index]?.value;
}

const CONTEXT = `apiVersion: v1
kind: ConfigMap
metadata: # kpt-merge: /kptfile.kpt.dev
  name: kptfile.kpt.dev
  annotations:
    config.kubernetes.io/local-config: "true"
data:
  name: example
  zone: none # the author's default
`;

describe('clone of a registered revision', () => {
  test('7.2.19: takes a new name, names and locks its upstream and leaves the context of a blueprint alone', async () => {
    const content = packageOf({
      Kptfile: `# who we are\n${KPTFILE}info:\n  description: base # keep me\n`,
      'package-context.yaml': CONTEXT,
    });
    const pkg = await applyTwice(byName, empty, contextWith({ content }));
    expect(textOf(pkg, 'Kptfile')).toMatch(/^# who we are\n/);
    expect(textOf(pkg, 'Kptfile')).toContain('description: base # keep me');
    expect(dataIn(textOf(pkg, 'Kptfile'))).toMatchObject({
      metadata: { name: 'istions' },
      upstream: {
        type: 'git',
        git: { repo: 'https://git.example.com/blueprints.git', directory: 'basens', ref: 'basens/v1' },
      },
      upstreamLock: { type: 'git', git: { directory: 'basens', ref: 'basens/v1', commit: 'c'.repeat(40) } },
    });
    expect(dataIn(textOf(pkg, 'package-context.yaml'))).toMatchObject({ data: { name: 'example', zone: 'none' } });
  });

  test('replaces the upstream that the upstream itself has, update strategy included', async () => {
    const upstream =
      'upstream:\n  type: git\n  git:\n    repo: https://old.example.com\n  updateStrategy: fast-forward\n';
    const pkg = await apply(byName, empty, contextWith({ content: packageOf({ Kptfile: KPTFILE + upstream }) }));
    const git = { repo: 'https://git.example.com/blueprints.git', directory: 'basens', ref: 'basens/v1' };
    expect(getIn(dataIn(textOf(pkg, 'Kptfile')) as never, ['upstream'])).toEqual({ type: 'git', git });
  });

  test('7.2.39: labels, annotations and pipeline are inherited', async () => {
    const own =
      '  labels:\n    tier: base\n  annotations:\n    a: b\npipeline:\n  mutators:\n  - image: set-namespace\n';
    const pkg = await apply(byName, empty, contextWith({ content: packageOf({ Kptfile: KPTFILE + own }) }));
    expect(dataIn(textOf(pkg, 'Kptfile'))).toMatchObject({
      metadata: { labels: { tier: 'base' }, annotations: { a: 'b' } },
      pipeline: { mutators: [{ image: 'set-namespace' }] },
    });
  });

  test('7.2.38: copies nested packages and files of any kind, with their modes', async () => {
    const content = packageOf({
      Kptfile: KPTFILE,
      'sub/Kptfile': KPTFILE,
      'logo.png': new Uint8Array([0x89, 0, 255]),
    }).edit([['run.sh', { mode: '100755', bytes: new TextEncoder().encode('#!/bin/sh\n') }]]);
    const pkg = await apply(byName, empty, contextWith({ content }));
    expect(pkg.paths()).toEqual(['Kptfile', 'logo.png', 'run.sh', 'sub/Kptfile']);
    expect(pkg.get('logo.png')).toEqual(content.get('logo.png'));
    expect(pkg.get('run.sh')?.mode).toBe('100755');
  });

  test('7.2.22: a branch head is a legal upstream, whatever its lifecycle says, and is locked by its commit', async () => {
    const context = contextWith({ branchHead: true, lifecycle: 'Draft', lock: lockOf({ ref: 'main' }) });
    const kptfile = textOf(await apply(byName, empty, context), 'Kptfile');
    expect(kptfile).toContain(`ref: main\n    commit: ${'c'.repeat(40)}\n`);
  });

  test.each(['Draft', 'Proposed'] as const)('7.2.24: a %s upstream must be published', async (lifecycle) => {
    await expect(apply(byName, empty, contextWith({ lifecycle }))).rejects.toMatchObject({
      reason: 'SourceNotPublished',
      message: expect.stringContaining('must be published'),
    });
  });

  test('7.2.23: an unknown upstream is an error', async () => {
    await expect(apply(byName, empty, contextOf())).rejects.toMatchObject({ reason: 'SourceNotFound' });
  });

  test('7.2.31: a package that exists gets further revisions by copy', async () => {
    const context = contextWith({}, targetOf({ existingPackages: ['istions'] }));
    await expect(apply(byName, empty, context)).rejects.toMatchObject({
      reason: 'PackageExists',
      message: expect.stringContaining('make subsequent revisions using `copy`'),
    });
  });

  test.each([
    { fault: 'an old version', Kptfile: KPTFILE.replace('kpt.dev/v1', 'kpt.dev/v1alpha1') },
    { fault: 'an unknown field', Kptfile: `${KPTFILE}wrong: 1\n` },
  ])('7.2.37: an upstream Kptfile with $fault is refused', async ({ Kptfile }) => {
    const context = contextWith({ content: packageOf({ Kptfile }) });
    await expect(apply(byName, empty, context)).rejects.toMatchObject({ reason: 'InvalidKptfile' });
  });

  test('an upstream without Kptfile is refused', async () => {
    const context = contextWith({ content: packageOf({ 'a.yaml': 'a: 1\n' }) });
    await expect(apply(byName, empty, context)).rejects.toMatchObject({ reason: 'KptfileMissing' });
  });
});

describe('clone into a deployment repository', () => {
  const deployment = targetOf({ deployment: true, package: 'istions-deployment' });

  test('7.2.20: the root package context says who the package is', async () => {
    const pkg = await applyTwice(byName, empty, contextWith({}, deployment));
    expect(dataIn(textOf(pkg, 'package-context.yaml'))).toMatchObject({
      kind: 'ConfigMap',
      metadata: { name: 'kptfile.kpt.dev', annotations: { 'config.kubernetes.io/local-config': 'true' } },
      data: { name: 'istions-deployment', 'package-path': 'istions-deployment' },
    });
  });

  test('7.2.21: the path leads through the parents', async () => {
    const target = targetOf({ ...deployment, package: 'leaf', parentPath: ['p', 'parent'] });
    const pkg = await apply(byName, empty, contextWith({}, target));
    expect(textOf(pkg, 'package-context.yaml')).toContain('package-path: p/parent/leaf\n');
  });

  test("V-08: the package author's keys and comments stay", async () => {
    const content = packageOf({ Kptfile: KPTFILE, 'package-context.yaml': CONTEXT });
    const pkg = await applyTwice(byName, empty, contextWith({ content }, deployment));
    expect(textOf(pkg, 'package-context.yaml')).toContain("  zone: none # the author's default\n");
    expect(dataIn(textOf(pkg, 'package-context.yaml'))).toMatchObject({
      data: { name: 'istions-deployment', zone: 'none', 'package-path': 'istions-deployment' },
    });
  });

  test('7.2.20: a context in another file moves to package-context.yaml', async () => {
    const other = 'apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n';
    const content = packageOf({ Kptfile: KPTFILE, 'all.yaml': `${CONTEXT}---\n${other}`, 'only.yaml': CONTEXT });
    const pkg = await applyTwice(byName, empty, contextWith({ content }, deployment));
    expect(pkg.paths()).toEqual(['Kptfile', 'all.yaml', 'package-context.yaml']);
    expect(textOf(pkg, 'all.yaml')).not.toContain('kptfile.kpt.dev');
    expect(textOf(pkg, 'all.yaml')).toContain('kind: Service');
    expect(textOf(pkg, 'package-context.yaml')).toContain('zone: none');
  });

  test('contexts of nested packages are not dropped', async () => {
    const nested = { 'sub/Kptfile': KPTFILE, 'sub/package-context.yaml': CONTEXT };
    const pkg = await apply(
      byName,
      empty,
      contextWith({ content: packageOf({ Kptfile: KPTFILE, ...nested }) }, deployment),
    );
    expect(textOf(pkg, 'sub/package-context.yaml')).toContain('name: example');
  });

  test('7.2.36: a file that cannot be read is told, not fatal', async () => {
    const content = packageOf({ Kptfile: KPTFILE, 'package-context.yaml': 'a: [kptfile.kpt.dev\n' });
    const { pkg, result } = await byName.apply(contextWith({ content }, deployment), empty);
    expect(textOf(pkg, 'package-context.yaml')).toBe('a: [kptfile.kpt.dev\n');
    expect(result.warnings).toContainEqual(expect.stringContaining('package-context.yaml'));
  });
});

describe('clone from a git URL', () => {
  const git = { repo: 'https://git.example.com/blueprints', ref: 'v1', directory: '/basens/' };

  test('7.2.25 and 7.2.27: the lock keeps the text of the ref', async () => {
    const sources = sourcesOf([], revisionOf({ lock: lockOf({ repo: git.repo, ref: 'v1' }) }));
    const pkg = await apply(clone({ git }), empty, contextOf({ sources }));
    expect(dataIn(textOf(pkg, 'Kptfile'))).toMatchObject({
      upstream: { git: { repo: 'https://git.example.com/blueprints.git', ref: 'v1' } },
      upstreamLock: { git: { ref: 'v1', commit: 'c'.repeat(40) } },
    });
  });

  test.each(['/pkgs/web', 'pkgs/web', 'pkgs/web/', './pkgs/web'])(
    '7.2.26 and P-17: directory %s is pkgs/web',
    async (directory) => {
      const sources = sourcesOf([], revisionOf({ lock: lockOf({ directory }) }));
      const pkg = await apply(clone({ git: { ...git, directory } }), empty, contextOf({ sources }));
      expect(sources.asked).toEqual([{ ...git, directory: 'pkgs/web' }]);
      expect(textOf(pkg, 'Kptfile')).toContain('    directory: pkgs/web\n');
    },
  );

  test.each([
    { directory: '/', normal: '' },
    { directory: '', normal: '' },
    { directory: './', normal: '' },
  ])('the root of a repository ($directory) has no directory', async ({ directory, normal }) => {
    expect(normaliseDirectory(directory)).toBe(normal);
    const sources = sourcesOf([], revisionOf({ lock: lockOf({ directory }) }));
    const pkg = await apply(clone({ git: { ...git, directory } }), empty, contextOf({ sources }));
    expect(textOf(pkg, 'Kptfile')).not.toContain('directory');
  });

  test.each([
    ['https://h/r', 'https://h/r.git'],
    ['https://h/r/', 'https://h/r.git'],
    ['https://h/r.git', 'https://h/r.git'],
    ['git@h:o/r', 'git@h:o/r.git'],
  ])('%s is written as %s', (url, normal) => {
    expect(normaliseRepo(url)).toBe(normal);
  });
});
