import { describe, expect, test } from '@jest/globals';
import { TransientError } from '../../../../src/api/errors.ts';
import { parseKrmFile } from '../../../../src/krm/file.ts';
import { getIn, type KrmMap } from '../../../../src/krm/value.ts';
import type { Package } from '../../../../src/package/package.ts';
import { type InjectionLookup, type Injector, injectConfig } from '../../../../src/task/mutations/inject-config.ts';
import { findInjectionPoints } from '../../../../src/task/mutations/injection-points.ts';
import { readRootKptfile } from '../../../../src/task/root-kptfile.ts';
import { apply, applyTwice, contextOf, KPTFILE, lockOf, packageOf, revisionOf, sourcesOf, textOf } from '../support.ts';

function pointText(kind: string, name: string, mode: string, apiVersion = 'v1'): string {
  const field = kind === 'ConfigMap' ? 'data' : 'spec';
  return `apiVersion: ${apiVersion}
kind: ${kind}
metadata:
  name: ${name} # keep
  annotations:
    kpt.dev/config-injection: ${mode}
${field}:
  ntp: placeholder.invalid
`;
}

function object(kind: string, name: string, content: KrmMap, apiVersion = 'v1'): KrmMap {
  return { apiVersion, kind, metadata: { name }, ...content };
}

function lookupIn(objects: readonly KrmMap[]): InjectionLookup {
  return async (apiVersion, kind) =>
    objects.filter((candidate) => candidate.apiVersion === apiVersion && candidate.kind === kind);
}

const CLUSTER = lookupIn([
  object('ConfigMap', 'us-east1-endpoints', { data: { dns: '10.40.0.53', ntp: 'ntp.example.net' } }),
  object('ConfigMap', 'empty', {}),
  object('Team', 'dev-team', { spec: { lead: 'jo' } }, 'hr.example.com/v1'),
  object('Net', 'front', { spec: { vlan: 1 } }, 'net.example.com/v1'),
  object('Net', 'back', { spec: { vlan: 2 } }, 'net.example.com/v1'),
  object('Secret', 'password', { data: { password: 'aHVudGVyMg==' } }),
]);

const unused: InjectionLookup = async () => {
  throw new Error('nothing is to be looked up');
};

function conditionsOf(pkg: Package): unknown {
  return getIn(readRootKptfile(pkg).raw, ['status', 'conditions']);
}

function documentOf(pkg: Package, path: string, index = 0): unknown {
  return parseKrmFile(path, pkg.get(path)?.bytes ?? new Uint8Array()).documents[index]?.value;
}

const endpoints: Injector = { name: 'us-east1-endpoints' };

describe('injection points', () => {
  test('16.111: without the annotation there are none', () => {
    expect(findInjectionPoints(packageOf({ Kptfile: KPTFILE, 'a.yaml': 'a: 1\n' })).points).toEqual([]);
  });

  test.each([
    { case: '16.112', mode: 'optional', required: false },
    { case: '16.114', mode: 'required', required: true },
  ])('$case: $mode', ({ mode, required }) => {
    const [point] = findInjectionPoints(packageOf({ 'a.yaml': pointText('ConfigMap', 'foo', mode) })).points;
    expect(point).toMatchObject({ file: 'a.yaml', conditionType: 'config.injection.ConfigMap.foo', required });
  });

  test('16.113: another value is an error that names file, object, annotation and value', () => {
    const pkg = packageOf({ 'a.yaml': pointText('ConfigMap', 'foo', 'invalid') });
    expect(() => findInjectionPoints(pkg)).toThrow(
      /a\.yaml: ConfigMap\/foo has annotation kpt\.dev\/config-injection: "invalid"/,
    );
  });

  test('16.115 and 16.116: points of several documents, files and subpackages are found', () => {
    const two = `${pointText('ConfigMap', 'a', 'optional')}---\n${pointText('ConfigMap', 'b', 'required')}`;
    const pkg = packageOf({ 'a.yaml': two, 'sub/c.yml': pointText('Team', 'c', 'optional', 'hr.example.com/v1') });
    expect(findInjectionPoints(pkg).points.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  test('16.117: all faults are told at once', () => {
    const pkg = packageOf({
      '1.yaml': pointText('ConfigMap', 'a', 'e1'),
      '2.yaml': pointText('ConfigMap', 'b', 'e2'),
      '3.yaml': pointText('ConfigMap', 'c', 'e3'),
    });
    expect(() => findInjectionPoints(pkg)).toThrow(/"e1".*"e2".*"e3"/);
  });

  test('16.118: three points of one type are two duplicates', () => {
    const text = pointText('ConfigMap', 'a', 'optional');
    const pkg = packageOf({ 'file.yaml': text, 'file2.yaml': text, 'file3.yaml': text });
    expect(() => findInjectionPoints(pkg)).toThrow(
      'file2.yaml: duplicate injection point config.injection.ConfigMap.a, also in file.yaml, ' +
        'file3.yaml: duplicate injection point config.injection.ConfigMap.a, also in file2.yaml',
    );
  });

  test('16.110: a file that asks for injection and cannot be read is an error that names it', () => {
    const pkg = packageOf({ 'bad.yaml': `${pointText('ConfigMap', 'a', 'required')}x: [\n` });
    expect(() => findInjectionPoints(pkg)).toThrow(/^bad\.yaml: /);
  });

  test('16.135: what is no KRM is none of its business', async () => {
    const pkg = packageOf({
      Kptfile: KPTFILE,
      'scalar.yaml': 'just text\n',
      'list.json': '[1, 2]',
      'broken.yaml': 'a: [\n',
      'scalar-with-name.yaml': '"see kpt.dev/config-injection"\n',
    });
    expect(await apply(injectConfig([], unused), pkg)).toBe(pkg);
    expect(await apply(injectConfig([endpoints], unused), pkg)).toBe(pkg);
  });
});

describe('injection', () => {
  test('16.119 and 16.125: without points nothing changes', async () => {
    const others = `${KPTFILE}info:\n  readinessGates:\n  - conditionType: b\n  - conditionType: a\nstatus:\n  conditions:\n  - type: z\n    status: "True"\n  - type: a\n    status: "True"\n`;
    const pkg = packageOf({ Kptfile: others });
    expect(await apply(injectConfig([], unused), pkg)).toBe(pkg);
  });

  test.each([
    { case: '16.120', mode: 'optional', gates: [], unmet: [] },
    {
      case: '16.121 and V-04',
      mode: 'required',
      gates: ['config.injection.ConfigMap.foo'],
      unmet: ['config.injection.ConfigMap.foo'],
    },
  ])('$case: a $mode point without data', async ({ mode, gates, unmet }) => {
    const pkg = packageOf({ Kptfile: KPTFILE, 'a.yaml': pointText('ConfigMap', 'foo', mode) });
    for (const mutation of [injectConfig([], unused), injectConfig([{ name: 'nowhere' }], CLUSTER)]) {
      const edited = await applyTwice(mutation, pkg);
      expect(readRootKptfile(edited).readinessGates).toEqual(gates);
      expect(conditionsOf(edited)).toEqual([
        {
          type: 'config.injection.ConfigMap.foo',
          status: 'False',
          reason: 'NoResourceSelected',
          message: expect.any(String),
        },
      ]);
      expect(textOf(edited, 'a.yaml')).toBe(textOf(pkg, 'a.yaml'));
      expect((await mutation.apply(contextOf(), pkg)).result.unmetInjections).toEqual(unmet);
    }
  });

  test('16.122 and 16.126: data is replaced wholesale, with comments elsewhere kept', async () => {
    const pkg = packageOf({ Kptfile: KPTFILE, 'a.yaml': pointText('ConfigMap', 'foo', 'required') });
    const edited = await applyTwice(injectConfig([endpoints], CLUSTER), pkg);
    expect(textOf(edited, 'a.yaml')).toContain('  name: foo # keep\n');
    expect(documentOf(edited, 'a.yaml')).toMatchObject({
      metadata: {
        annotations: { 'kpt.dev/config-injection': 'required', 'kpt.dev/injected-resource': 'us-east1-endpoints' },
      },
      data: { dns: '10.40.0.53', ntp: 'ntp.example.net' },
    });
    expect(readRootKptfile(edited).readinessGates).toEqual(['config.injection.ConfigMap.foo']);
    expect(conditionsOf(edited)).toEqual([
      {
        type: 'config.injection.ConfigMap.foo',
        status: 'True',
        reason: 'ConfigInjected',
        message: 'took "us-east1-endpoints"',
      },
    ]);
    expect((await injectConfig([endpoints], CLUSTER).apply(contextOf(), pkg)).result.unmetInjections).toEqual([]);
  });

  test('16.127: everything but a ConfigMap gets its spec', async () => {
    const pkg = packageOf({ Kptfile: KPTFILE, 'a.yaml': pointText('Team', 'team', 'optional', 'hr.example.com/v1') });
    const injectors = [{ group: 'hr.example.com', kind: 'Team', name: 'dev-team' }];
    const edited = await applyTwice(injectConfig(injectors, CLUSTER), pkg);
    expect(documentOf(edited, 'a.yaml')).toMatchObject({ spec: { lead: 'jo' } });
    expect(readRootKptfile(edited).readinessGates).toEqual([]);
  });

  test('16.123 and 16.128: two points in one file get what fits them; conditions are sorted', async () => {
    const team = pointText('Team', 'a', 'optional', 'hr.example.com/v1');
    const pkg = packageOf({ Kptfile: KPTFILE, 'a.yaml': `${team}---\n${pointText('ConfigMap', 'b', 'required')}` });
    const injectors = [
      { group: '', ...endpoints },
      { kind: 'Team', name: 'dev-team' },
    ];
    const edited = await applyTwice(injectConfig(injectors, CLUSTER), pkg);
    expect(documentOf(edited, 'a.yaml', 0)).toMatchObject({ spec: { lead: 'jo' } });
    expect(documentOf(edited, 'a.yaml', 1)).toMatchObject({ data: { ntp: 'ntp.example.net' } });
    expect(readRootKptfile(edited).conditions.map(({ type }) => type)).toEqual([
      'config.injection.ConfigMap.b',
      'config.injection.Team.a',
    ]);
    expect(readRootKptfile(edited).readinessGates).toEqual(['config.injection.ConfigMap.b']);
  });

  test('16.124: gates and conditions of others are kept', async () => {
    const Kptfile = `${KPTFILE}info:
  readinessGates:
  - conditionType: test
  - conditionType: test3
status:
  conditions:
  - type: test # mine
    status: "True"
  - type: test2
    status: "True"
`;
    const pkg = packageOf({
      Kptfile,
      'a.yaml': pointText('SomeResource', 'foo', 'required', 'x.example.com/v1'),
      'b.yaml': pointText('ConfigMap', 'foo', 'optional'),
    });
    const edited = await applyTwice(injectConfig([], unused), pkg);
    expect(readRootKptfile(edited).readinessGates).toEqual(['config.injection.SomeResource.foo', 'test', 'test3']);
    expect(readRootKptfile(edited).conditions.map(({ type }) => type)).toEqual([
      'config.injection.ConfigMap.foo',
      'config.injection.SomeResource.foo',
      'test',
      'test2',
    ]);
    expect(textOf(edited, 'Kptfile')).toContain('test # mine');
  });

  test('16.129: an injector of another group, version or kind is passed over', async () => {
    const pkg = packageOf({ Kptfile: KPTFILE, 'a.yaml': pointText('ConfigMap', 'foo', 'optional') });
    const wrong = [{ group: 'apps' }, { version: 'v2' }, { kind: 'Team' }].map((limit) => ({
      ...limit,
      name: 'empty',
    }));
    const edited = await apply(injectConfig([...wrong, endpoints], CLUSTER), pkg);
    expect(documentOf(edited, 'a.yaml')).toMatchObject({ data: { ntp: 'ntp.example.net' } });
  });

  test('16.130: an object without data stops the search', async () => {
    const pkg = packageOf({ Kptfile: KPTFILE, 'a.yaml': pointText('ConfigMap', 'foo', 'optional') });
    const edited = await apply(injectConfig([{ name: 'empty' }, endpoints], CLUSTER), pkg);
    expect(conditionsOf(edited)).toMatchObject([{ status: 'False', message: 'ConfigMap "empty" has no data' }]);
  });

  test('16.131: who cannot look changes nothing', async () => {
    const pkg = packageOf({ Kptfile: KPTFILE, 'a.yaml': pointText('ConfigMap', 'foo', 'required') });
    const failing: InjectionLookup = async () => {
      throw new Error('connection reset');
    };
    await expect(apply(injectConfig([endpoints], failing), pkg)).rejects.toThrow(TransientError);
    await expect(apply(injectConfig([endpoints], failing), pkg)).rejects.toMatchObject({
      reason: 'InjectionLookupFailed',
    });
  });

  test('16.132: a Secret has nothing that can be injected', async () => {
    const pkg = packageOf({ Kptfile: KPTFILE, 'a.yaml': pointText('Secret', 'foo', 'required') });
    const edited = await apply(injectConfig([{ name: 'password' }], CLUSTER), pkg);
    expect(conditionsOf(edited)).toMatchObject([{ status: 'False', message: 'Secret "password" has no spec' }]);
    expect(textOf(edited, 'a.yaml')).not.toContain('password');
  });

  test('16.133: changed data at the source changes the package', async () => {
    const pkg = packageOf({ Kptfile: KPTFILE, 'a.yaml': pointText('ConfigMap', 'foo', 'required') });
    const before = await apply(injectConfig([endpoints], CLUSTER), pkg);
    const moved = lookupIn([object('ConfigMap', 'us-east1-endpoints', { data: { ntp: 'other' } })]);
    expect(documentOf(await applyTwice(injectConfig([endpoints], moved), before), 'a.yaml')).toMatchObject({
      data: { ntp: 'other' },
    });
  });

  describe('W-11: what an injector that the variant no longer has had brought', () => {
    const LOCKED = `${KPTFILE}upstreamLock:
  type: git
  git:
    repo: ${lockOf().git.repo}
    directory: ${lockOf().git.directory}
    ref: ${lockOf().git.ref}
    commit: ${lockOf().git.commit}
`;
    const point = pointText('ConfigMap', 'foo', 'required');
    const upstream = revisionOf({ content: packageOf({ Kptfile: KPTFILE, 'a.yaml': point }) });
    const injected = () =>
      apply(injectConfig([endpoints], CLUSTER), packageOf({ Kptfile: LOCKED, 'a.yaml': point }), contextOf());

    test.each<[string, readonly Injector[]]>([
      ['without injectors', []],
      ['with another one', [{ name: 'nowhere' }]],
      ['with one for other kinds', [{ ...endpoints, kind: 'Team' }]],
    ])('goes back to what the upstream has, %s', async (_what, injectors) => {
      const context = contextOf({ sources: sourcesOf([upstream]) });
      const after = await apply(injectConfig(injectors, CLUSTER), await injected(), context);
      expect(textOf(after, 'a.yaml')).toBe(point);
      expect(conditionsOf(after)).toMatchObject([{ status: 'False', reason: 'NoResourceSelected' }]);
      expect((await apply(injectConfig(injectors, CLUSTER), after, context)).hash()).toBe(after.hash());
    });

    test('goes back to what was injected into the upstream itself', async () => {
      const before = await injected();
      const of = revisionOf({ content: before });
      const context = contextOf({ sources: sourcesOf([of]) });
      const after = await apply(injectConfig([], CLUSTER), before, context);
      expect(textOf(after, 'a.yaml')).toBe(textOf(before, 'a.yaml'));
    });

    test('stays while the injector is there and its object is not, or where nobody knows what was there before', async () => {
      const before = await injected();
      const context = contextOf({ sources: sourcesOf([upstream]) });
      const kept = await apply(injectConfig([endpoints], lookupIn([])), before, context);
      expect(textOf(kept, 'a.yaml')).toBe(textOf(before, 'a.yaml'));
      const withoutPoint = revisionOf({ content: packageOf({ Kptfile: KPTFILE }) });
      for (const sources of [sourcesOf([]), sourcesOf([withoutPoint])]) {
        const after = await apply(injectConfig([], unused), before, contextOf({ sources }));
        expect(textOf(after, 'a.yaml')).toBe(textOf(before, 'a.yaml'));
        expect(conditionsOf(after)).toMatchObject([
          { message: expect.stringContaining('keeps what "us-east1-endpoints"') },
        ]);
      }
    });

    test('stays as it is when the upstream could not be looked at', async () => {
      const sources = { ...sourcesOf(), locked: () => Promise.reject(new TransientError('Unreachable', 'no route')) };
      await expect(apply(injectConfig([], unused), await injected(), contextOf({ sources }))).rejects.toThrow(
        'no route',
      );
    });
  });

  test('16.134: conditions and gates of points that are gone go too', async () => {
    const pkg = packageOf({ Kptfile: KPTFILE, 'a.yaml': pointText('ConfigMap', 'foo', 'required') });
    const edited = await apply(injectConfig([endpoints], CLUSTER), pkg);
    const without = edited.edit([['a.yaml', null]]);
    const pruned = readRootKptfile(await applyTwice(injectConfig([endpoints], CLUSTER), without));
    expect(pruned.readinessGates).toEqual([]);
    expect(pruned.conditions).toEqual([]);
  });

  test('V-07: points of one kind each get the object with their own name', async () => {
    const front = pointText('Net', 'front', 'required', 'net.example.com/v1');
    const back = pointText('Net', 'back', 'required', 'net.example.com/v1');
    const pkg = packageOf({ Kptfile: KPTFILE, 'nets.yaml': `${front}---\n${back}` });
    const edited = await applyTwice(injectConfig([{ name: 'front' }, { name: 'back' }], CLUSTER), pkg);
    expect(documentOf(edited, 'nets.yaml', 0)).toMatchObject({ spec: { vlan: 1 } });
    expect(documentOf(edited, 'nets.yaml', 1)).toMatchObject({ spec: { vlan: 2 } });
  });
});
