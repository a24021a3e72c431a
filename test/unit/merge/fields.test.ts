import { describe, expect, test } from '@jest/globals';
import { configMap, deployment, KPTFILE, mergeFiles, mergeText } from './support.ts';

const WEB = deployment(`containers:
- name: web
  image: web:1
`);

describe('fields of a resource', () => {
  test('90: what each side changed is kept', () => {
    const local = WEB.replace('spec:\n', 'spec:\n  replicas: 3\n');
    const updated = WEB.replace('web:1', 'web:2');
    expect(mergeText(WEB, local, updated)).toEqual({ text: local.replace('web:1', 'web:2'), conflicts: [] });
  });

  test('91: what both changed is upstream’s, and reported', () => {
    const merged = mergeText(WEB, WEB.replace('web:1', 'mine:1'), WEB.replace('web:1', 'web:2'));
    expect(merged.text).toBe(WEB.replace('web:1', 'web:2'));
    expect(merged.conflicts).toEqual([
      {
        resource: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        file: 'a.yaml',
        field: 'spec.template.spec.containers[name=web].image',
        base: 'web:1',
        local: 'mine:1',
        upstream: 'web:2',
        resolution: 'upstream',
      },
    ]);
  });

  test('92: labels, annotations and environment that are only here stay', () => {
    const local = WEB.replace('  name: web\n', '  name: web\n  labels:\n    mine: "1"\n').replace(
      '        image: web:1\n',
      '        image: web:1\n        env:\n        - name: MINE\n          value: "1"\n',
    );
    const updated = WEB.replace('  name: web\n', '  name: web\n  labels:\n    theirs: "2"\n').replace('web:1', 'web:2');
    const expected = local.replace('web:1', 'web:2').replace('    mine: "1"\n', '    mine: "1"\n    theirs: "2"\n');
    expect(mergeText(WEB, local, updated)).toEqual({ text: expected, conflicts: [] });
  });

  test('93: a field that upstream removed is gone though it was changed here, and reported', () => {
    const [base, local] = [configMap({ a: '1', b: '1' }), configMap({ a: '2', b: '1' })];
    const merged = mergeText(base, local, configMap({ b: '1' }));
    expect(merged.text).toBe(configMap({ b: '1' }));
    expect(merged.conflicts).toMatchObject([{ field: 'data.a', base: 1, local: 2, resolution: 'deleted' }]);
  });

  test('94 and 95: an explicit null removes, unless it was there before', () => {
    const merge = (base: string, local: string, updated: string) =>
      mergeText(configMap({ x: '1', a: base }), configMap({ x: '2', a: local }), configMap({ x: '1', a: updated }))
        .text;
    expect(merge('1', '1', 'null')).toBe(configMap({ x: '2' }));
    expect(merge('null', 'null', '3')).toBe(configMap({ x: '2', a: '3' }));
    expect(merge('1', 'null', '3')).toBe(configMap({ x: '2' }));
    expect(merge('null', 'null', 'null')).toBe(configMap({ x: '2', a: 'null' }));
  });

  test('96 and M-19: a list without keys is one value, and reported when both sides changed it', () => {
    const args = (list: string) => WEB.replace('image: web:1\n', `image: web:1\n        args: ${list}\n`);
    const merged = mergeText(args('[1, 2]'), args('[1, 2, 3]'), args('[1, 2, 4]'));
    expect(merged.text).toBe(args('[1, 2, 4]'));
    expect(merged.conflicts).toMatchObject([
      { field: expect.stringMatching(/args$/), base: [1, 2], local: [1, 2, 3], upstream: [1, 2, 4] },
    ]);
  });

  test('101: a set loses what upstream dropped and gains what it added', () => {
    const finalizers = (list: string) => configMap({ a: '1' }, 'settings', `  finalizers: ${list}\n`);
    const merged = mergeText(finalizers('[a, b]'), finalizers('[a, b, l]'), finalizers('[a, c]'));
    expect(merged).toEqual({ text: finalizers('[a, l, c]'), conflicts: [] });
  });

  test('121: a field of another kind is an error with its place, and nothing is written', () => {
    const base = configMap({ x: '1', a: '1' });
    expect(() => mergeText(base, configMap({ x: '2', a: '1' }), configMap({ x: '1', a: '{b: 1}' }))).toThrow(
      expect.objectContaining({ reason: 'KindMismatch', location: { file: 'a.yaml', field: 'data.a' } }),
    );
  });

  test('122: without a base everything of upstream is new', () => {
    const [local, updated] = [configMap({ a: '1', b: '1' }), configMap({ b: '2', c: '3' })];
    const merged = mergeFiles({}, { Kptfile: KPTFILE, 'a.yaml': local }, { 'a.yaml': updated });
    expect(merged.files['a.yaml']).toBe(configMap({ a: '1', b: '2', c: '3' }));
    expect(merged.conflicts).toMatchObject([{ field: 'data.b', local: 1, upstream: 2 }]);
  });

  test('a structure that was deleted here comes back with what upstream changed in it, as one conflict', () => {
    const base = configMap({ a: '1' }, 'settings', 'spec: {x: {v: {z: 1, w: 1}}}\n');
    const updated = configMap({ a: '1' }, 'settings', 'spec: {x: {v: {z: 2, w: 1}}}\n');
    const merged = mergeText(base, configMap({ a: '2' }), updated);
    expect(merged.text).toBe(`${configMap({ a: '2' })}spec:\n  x:\n    v:\n      z: 2\n`);
    expect(merged.conflicts).toMatchObject([{ field: 'spec', resolution: 'upstream' }]);
  });

  test('what both sides removed is no conflict, whether by a null or not', () => {
    const [base, updated] = [configMap({ a: '1', b: '1' }), configMap({ a: '1', b: 'null' })];
    expect(mergeText(base, configMap({ a: '2' }), updated)).toEqual({ text: configMap({ a: '2' }), conflicts: [] });
  });

  test('a preference for the local side keeps what would be lost', () => {
    const prefer = '  annotations:\n    veranda.dev/merge-preference: local\n';
    const at = (data: { [key: string]: string }) => configMap(data, 'settings', prefer);
    const [base, local, updated] = [
      configMap({ a: '1', b: '1' }),
      at({ a: '2', b: '2' }),
      configMap({ a: '3', c: '1' }),
    ];
    const merged = mergeText(base, local, updated);
    expect(merged.text).toBe(at({ a: '2', b: '2', c: '1' }));
    expect(merged.conflicts.map(({ field, resolution }) => [field, resolution])).toEqual([
      ['data.a', 'local'],
      ['data.b', 'local'],
    ]);
  });

  test('a preference in the Kptfile holds for the whole package', () => {
    const kptfile = `${KPTFILE}  annotations:\n    veranda.dev/merge-preference: local\n`;
    const merged = mergeFiles(
      { Kptfile: KPTFILE, 'a.yaml': configMap({ a: '1' }) },
      { Kptfile: kptfile, 'a.yaml': configMap({ a: '2' }) },
      { Kptfile: KPTFILE, 'a.yaml': configMap({ a: '3' }) },
    );
    expect(merged.files).toEqual({ Kptfile: kptfile, 'a.yaml': configMap({ a: '2' }) });
  });

  test('no half of a structure stays when upstream removes it', () => {
    const probe = (lines: string) => WEB.replace('image: web:1\n', `image: web:1\n${lines}`);
    const base = probe('        livenessProbe:\n          httpGet: {path: /, port: 80}\n');
    const local = `${base}          timeoutSeconds: 5\n`;
    const merged = mergeText(base, local, WEB.replace('web:1', 'web:2'));
    expect(merged.text).toBe(WEB.replace('web:1', 'web:2'));
    expect(merged.conflicts).toMatchObject([{ field: expect.stringMatching(/livenessProbe$/), resolution: 'deleted' }]);
  });
});

describe('keyed lists', () => {
  const list = (...items: string[]) => deployment(`containers:\n${items.join('')}`);
  const web = '- name: web\n  image: web:1\n';
  const sidecar = '- name: sidecar\n  image: sidecar:1\n';

  test('97: an item that is only here stays when upstream removes the whole list', () => {
    const volumes = (names: string[]) =>
      deployment(
        `containers:\n${web}${names.length > 0 ? 'volumes:\n' : ''}${names.map((name) => `- name: ${name}\n`).join('')}`,
      );
    expect(mergeText(volumes(['a']), volumes(['a', 'mine']), volumes([]))).toEqual({
      text: volumes(['mine']),
      conflicts: [],
    });
  });

  test('98: a container that upstream removed goes as a whole, with a conflict when it was edited here', () => {
    const edited = `${sidecar.replace('sidecar:1', 'sidecar:2')}  args: [x]\n`;
    const merged = mergeText(list(web, sidecar), list(web, edited), list(web));
    expect(merged.text).toBe(list(web));
    expect(merged.conflicts).toMatchObject([
      { field: 'spec.template.spec.containers[name=sidecar]', local: { args: ['x'] }, resolution: 'deleted' },
    ]);
  });

  test('a container that was removed here and changed upstream stays away, with a conflict', () => {
    const merged = mergeText(list(web, sidecar), list(web), list(web, sidecar.replace(':1', ':2')));
    expect(merged.text).toBe(list(web));
    expect(merged.conflicts).toMatchObject([{ field: expect.stringContaining('sidecar'), resolution: 'deleted' }]);
  });

  test('99 and M-03: a port with and without the default protocol is one port', () => {
    const ports = (...lines: string[]) => list(`${web}  ports:\n${lines.map((line) => `  - ${line}\n`).join('')}`);
    const base = ports('containerPort: 8080');
    const local = ports('containerPort: 8080\n    protocol: TCP', 'containerPort: 8080\n    protocol: UDP');
    const updated = ports('containerPort: 8080\n    name: http');
    expect(mergeText(base, local, updated)).toEqual({
      text: ports('containerPort: 8080\n    protocol: TCP\n    name: http', 'containerPort: 8080\n    protocol: UDP'),
      conflicts: [],
    });
  });

  test('M-01: volume mounts are told apart by mount path, whatever their name', () => {
    const mounts = `${web}  volumeMounts:\n  - {name: data, mountPath: /a}\n  - {name: data, mountPath: /b}\n`;
    const local = list(mounts.replace('/b}', '/b, readOnly: true}'));
    const updated = list(mounts.replace('web:1', 'web:2'));
    expect(mergeText(list(mounts), local, updated)).toEqual({ text: local.replace('web:1', 'web:2'), conflicts: [] });
  });

  test('M-02: one port number on TCP and UDP is two ports', () => {
    const service = (target: number, more = '') => `apiVersion: v1
kind: Service
metadata:
  name: dir
spec:
${more}  ports:
  - {name: dir-t, port: 1389, protocol: TCP, targetPort: 1389}
  - {name: dir-u, port: 1389, protocol: UDP, targetPort: ${target}}
`;
    const local = service(1389, '  type: NodePort\n');
    expect(mergeText(service(1389), local, service(2389))).toEqual({
      text: service(2389, '  type: NodePort\n'),
      conflicts: [],
    });
  });

  const crd = (keys: string) => `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: gates.example.com
spec:
  group: example.com
  names: {kind: Gate, plural: gates}
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              rules:
                type: array
${keys}                items:
                  type: object
                  properties:
                    name: {type: string}
`;
  const gate = (...rules: string[]) =>
    `apiVersion: example.com/v1\nkind: Gate\nmetadata:\n  name: g\nspec:\n  rules:\n${rules.map((rule) => `  - name: ${rule}\n`).join('')}`;

  test('100 and M-17: a list of a custom resource merges by the keys that its definition declares', () => {
    const keys = '                x-kubernetes-list-type: map\n                x-kubernetes-list-map-keys: [name]\n';
    const around = (text: string) => ({ Kptfile: KPTFILE, 'crd.yaml': crd(keys), 'gate.yaml': text });
    const merged = mergeFiles(around(gate('a')), around(gate('a', 'l')), around(gate('a', 'u')));
    expect(merged).toMatchObject({ conflicts: [], files: { 'gate.yaml': gate('a', 'l', 'u') } });
  });

  test('M-17: without declared keys both sides’ changes are a conflict, never a silent loss', () => {
    const merged = mergeText(gate('a'), gate('a', 'l'), gate('a', 'u'));
    expect(merged.text).toBe(gate('a', 'u'));
    expect(merged.conflicts).toMatchObject([{ field: 'spec.rules', local: [{ name: 'a' }, { name: 'l' }] }]);
  });

  test('a definition of the wrong shape says nothing and breaks nothing', () => {
    const broken = crd('').replace(/ {8}properties:\n {10}spec:(?:.|\n)*/, '        properties: null\n');
    const around = (text: string) => ({ Kptfile: KPTFILE, 'crd.yaml': broken, 'gate.yaml': text });
    const merged = mergeFiles(around(gate('a')), around(gate('b')), around(gate('c')));
    expect(merged.files['gate.yaml']).toBe(gate('c'));
  });

  test('M-27: directives of patches are data: nobody obeys them, and none is lost without a conflict', () => {
    const replaced = list('- $patch: replace\n', web);
    expect(mergeText(list(web), list(web), replaced)).toEqual({ text: replaced, conflicts: [] });
    const merged = mergeText(list(web), list(web, sidecar), replaced);
    expect(merged.text).toBe(replaced);
    expect(merged.conflicts).toMatchObject([
      {
        field: 'spec.template.spec.containers',
        upstream: [{ $patch: 'replace' }, { name: 'web' }],
        resolution: 'upstream',
      },
    ]);

    const deleting = `${sidecar}  $patch: delete\n`;
    const edited = sidecar.replace('sidecar:1', 'sidecar:2');
    expect(mergeText(list(web, sidecar), list(web, edited), list(web, deleting))).toEqual({
      text: list(web, `${edited}  $patch: delete\n`),
      conflicts: [],
    });
  });

  test('M-18: resources inside a List are merged one by one', () => {
    const wrapped = (...items: string[]) =>
      `apiVersion: v1\nkind: List\nitems:\n${items.map((item) => `- ${item.trim().replaceAll('\n', '\n  ')}\n`).join('')}`;
    const [one, two] = [configMap({ a: '1' }, 'one'), configMap({ a: '1' }, 'two')];
    const local = wrapped(configMap({ a: '2' }, 'one'), two, configMap({ a: '1' }, 'mine'));
    const updated = wrapped(one, configMap({ a: '3' }, 'two'));
    expect(mergeText(wrapped(one, two), local, updated)).toEqual({
      text: wrapped(configMap({ a: '2' }, 'one'), configMap({ a: '3' }, 'two'), configMap({ a: '1' }, 'mine')),
      conflicts: [],
    });
  });
});

describe('style and comments', () => {
  test('I-38: comments that only upstream changed are taken, those of both stay local', () => {
    const base = configMap({ a: '1 # one', b: '1 # one' });
    const local = configMap({ a: '1 # one', b: '1 # mine', c: '1' });
    const updated = configMap({ a: '1 # two', b: '1 # theirs' });
    expect(mergeText(base, local, updated).text).toBe(configMap({ a: '1 # two', b: '1 # mine', c: '1' }));
  });

  test('new fields bring their comments, quotes and flow style', () => {
    const base = configMap({ a: '1' });
    const added = '  # why b\n  b: \'on\' # b\n  c: {d: ["1", 2]}\n  # end\n';
    expect(mergeText(base, configMap({ a: '2' }), base + added).text).toBe(configMap({ a: '2' }) + added);
  });

  test('a file with CRLF stays one, whatever upstream has', () => {
    const crlf = (text: string) => text.replaceAll('\n', '\r\n');
    const local = crlf(configMap({ a: '1', b: '2' }));
    const merged = mergeText(configMap({ a: '1', b: '1' }), local, configMap({ a: '3', b: '1', c: '4 # new' }));
    expect(merged.text).toBe(crlf(configMap({ a: '3', b: '2', c: '4 # new' })));
  });

  test('anchors and aliases stay where nothing of them changed', () => {
    const text = (a: string, b: string) =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  labels: &l {app: x}\nspec:\n  selector: *l\n  a: ${a}\n  b: ${b}\n`;
    expect(mergeText(text('1', '1'), text('2', '1'), text('1', '2'))).toEqual({ text: text('2', '2'), conflicts: [] });
  });

  test('JSON stays JSON', () => {
    const json = (a: number, b: number) =>
      `{\n  "apiVersion": "v1",\n  "kind": "ConfigMap",\n  "metadata": {"name": "x"},\n  "a": ${a},\n  "b": ${b}\n}\n`;
    const around = (text: string) => ({ Kptfile: KPTFILE, 'a.json': text });
    const merged = mergeFiles(around(json(1, 1)), around(json(2, 1)), around(json(1, 2)));
    expect(merged.files['a.json']).toBe(json(2, 2));
  });

  test('block texts of upstream come as they are written', () => {
    const base = configMap({ a: '1' });
    const added = '  script: |-\n    #!/bin/sh\n    echo "a: b"\n\n    exit\n  folded: >\n    one\n    two\n';
    expect(mergeText(base, configMap({ a: '2' }), base + added).text).toBe(configMap({ a: '2' }) + added);
  });

  test('comments of local list items stay with their items when upstream adds, removes and moves others', () => {
    const pod = (...items: string[]) => deployment(`containers:\n${items.join('')}`);
    const item = (name: string, comment = '') => `- name: ${name}${comment}\n  image: ${name}:1\n`;
    const local = pod(item('a'), item('b', ' # mine'), item('c', ' # too'));
    const merged = mergeText(pod(item('a'), item('b'), item('c')), local, pod(item('new'), item('c'), item('b')));
    expect(merged.text).toBe(pod(item('new'), item('c', ' # too'), item('b', ' # mine')));
  });
});
