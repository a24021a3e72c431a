import { describe, expect, test } from '@jest/globals';
import { replaceResources } from '../../../../src/task/mutations/replace-resources.ts';
import { apply, applyTwice, contextOf, KPTFILE, packageOf, textOf } from '../support.ts';

const stored = packageOf({ Kptfile: KPTFILE, 'a.yaml': 'a: 1\n', 'logo.png': new Uint8Array([0x89, 0x50, 0]) }).edit([
  ['run.sh', { mode: '100755', bytes: new TextEncoder().encode('#!/bin/sh\n') }],
  ['link', { mode: '120000', bytes: new TextEncoder().encode('a.yaml') }],
]);
const shown = { Kptfile: KPTFILE, 'a.yaml': 'a: 1\n', 'run.sh': '#!/bin/sh\n' };

describe('replacing the content', () => {
  test('7.5.77: what was shown, sent back, changes nothing', async () => {
    expect(await apply(replaceResources(packageOf(shown)), stored)).toBe(stored);
  });

  test('7.5.66 and 7.5.67: new files are stored, missing ones removed', async () => {
    const { 'a.yaml': _removed, ...rest } = shown;
    const edited = await applyTwice(
      replaceResources(packageOf({ ...rest, 'b.yaml': 'b: 1\n' })),
      stored.edit([['link', null]]),
    );
    expect(edited.paths()).toEqual(['Kptfile', 'b.yaml', 'logo.png', 'run.sh']);
  });

  test('7.5.87 and 7.5.88: what a reader of text was not shown stays', async () => {
    const edited = await apply(replaceResources(packageOf({ ...shown, 'a.yaml': 'a: 2\n' })), stored);
    expect(edited.get('logo.png')).toEqual(stored.get('logo.png'));
    expect(edited.get('link')).toEqual(stored.get('link'));
  });

  test('G-17: an executable file stays one, edited or not', async () => {
    for (const text of ['#!/bin/sh\n', '#!/bin/sh\necho edited\n']) {
      const edited = await apply(replaceResources(packageOf({ ...shown, 'run.sh': text })), stored);
      expect(edited.get('run.sh')?.mode).toBe('100755');
      expect(textOf(edited, 'run.sh')).toBe(text);
    }
  });

  test('7.5.71: invalid YAML is refused with its place', async () => {
    const wanted = packageOf({ ...shown, 'a.yaml': 'a: 1\nb: [\n' });
    await expect(apply(replaceResources(wanted), stored)).rejects.toMatchObject({
      reason: 'InvalidYaml',
      location: { file: 'a.yaml', line: expect.any(Number) },
    });
  });

  test('7.5.72: stored content that is broken can be repaired, also bit by bit', async () => {
    const broken = packageOf({ ...shown, 'a.yaml': 'a: [\n', 'b.yaml': 'b: [\n' });
    const repairedA = await apply(
      replaceResources(packageOf({ ...shown, 'a.yaml': 'a: 1\n', 'b.yaml': 'b: [\n' })),
      broken,
    );
    expect(textOf(repairedA, 'a.yaml')).toBe('a: 1\n');
    const triedB = await apply(replaceResources(packageOf({ ...shown, 'b.yaml': 'b: {\n' })), repairedA);
    expect(textOf(triedB, 'b.yaml')).toBe('b: {\n');
  });

  test('7.5.73: a Kptfile at the root is a must', async () => {
    const { Kptfile: _removed, ...rest } = shown;
    await expect(apply(replaceResources(packageOf({ ...rest, 'sub/Kptfile': KPTFILE })), stored)).rejects.toMatchObject(
      {
        reason: 'KptfileMissing',
        message: 'package must contain Kptfile at root',
      },
    );
  });

  test.each(['../x', '/etc/x', 'a/../../b', '', '.git/config'])(
    '7.5.76: path %j never becomes part of a package',
    (path) => {
      expect(() => packageOf({ ...shown, [path]: 'x' })).toThrow(expect.objectContaining({ reason: 'InvalidPath' }));
    },
  );
});

const COMMENTED = `# Licence

apiVersion: apps/v1
kind: Deployment
metadata: # kpt-merge: /web
  name: web
spec:
  replicas: 3 # kpt-set: \${replicas}
  template:
    spec:
      containers:
      # the one that serves
      - name: web
        image: web:1 # kpt-set: web:\${tag}
      - name: sidecar # helps
        image: sidecar:1
      # end of containers
`;

/** What an editor sends that reads the data and writes it anew. */
const STRIPPED = `apiVersion: apps/v1
kind: Deployment
metadata:
    name: web
spec:
    replicas: 3
    template:
        spec:
            containers:
                -   image: "web:1"
                    name: web
                -   image: "sidecar:1"
                    name: sidecar
`;

describe('comments of replaced content', () => {
  const before = packageOf({ Kptfile: KPTFILE, 'web.yaml': COMMENTED });
  const replace = async (files: { readonly [path: string]: string }) =>
    applyTwice(replaceResources(packageOf({ Kptfile: KPTFILE, ...files })), before);

  test('7.5.68, 7.5.77: what an editor only wrote anew is as it was, so there is nothing to commit', async () => {
    const sent = packageOf({ Kptfile: KPTFILE, 'web.yaml': STRIPPED });
    expect((await apply(replaceResources(sent), before)).hash()).toBe(before.hash());
  });

  test('7.5.68: dropped comments come back to changed content, also in another file', async () => {
    const edited = STRIPPED.replace('replicas: 3', 'replicas: 5');
    const healed = COMMENTED.replace('replicas: 3', 'replicas: 5');
    expect(textOf(await replace({ 'web.yaml': edited }), 'web.yaml')).toBe(healed);
    expect(textOf(await replace({ 'moved/w.yaml': edited }), 'moved/w.yaml')).toBe(healed);
  });

  test('130 and 131: comments follow the names of list items, not their places', async () => {
    const items = STRIPPED.slice(STRIPPED.indexOf('                -'));
    const half = items.lastIndexOf('                -');
    const swapped = STRIPPED.replace(items, items.slice(half) + items.slice(0, half));
    const healed = textOf(await replace({ 'web.yaml': swapped }), 'web.yaml');
    expect(healed).toMatch(/- name: sidecar # helps\n {8}image: sidecar:1\n/);
    expect(healed).toMatch(/# the one that serves\n {6}- name: web\n {8}image: web:1 # kpt-set: web:\$\{tag\}\n/);
    expect(healed.indexOf('sidecar')).toBeLessThan(healed.indexOf('name: web\n        image'));
    const inserted = STRIPPED.replace(
      items,
      `                -   name: first\n                    image: first\n${items}`,
    );
    const withFirst = textOf(await replace({ 'web.yaml': inserted }), 'web.yaml');
    expect(withFirst).toMatch(/- name: first\n {8}image: first\n/);
    expect(withFirst).toContain('image: web:1 # kpt-set: web:${tag}');
  });

  test('133: the comment of a removed field goes with it, its neighbours’ stay', async () => {
    const healed = await replace({ 'web.yaml': STRIPPED.replace('    replicas: 3\n', '') });
    expect(textOf(healed, 'web.yaml')).toBe(COMMENTED.replace(/ {2}replicas.*\n/, ''));
  });

  test('7.5.70: a new comment stays, and those that the editor dropped come back around it', async () => {
    const edited = STRIPPED.replace('replicas: 3', 'replicas: 4 # for the sale');
    const sent = packageOf({ Kptfile: KPTFILE, 'web.yaml': edited });
    expect(textOf(await apply(replaceResources(sent), before), 'web.yaml')).toBe(
      COMMENTED.replace(/replicas: .*/, 'replicas: 4 # for the sale'),
    );
  });

  test('a comment that a person deleted stays away where others were kept', async () => {
    const edited = COMMENTED.replace(' # helps', '').replace('replicas: 3', 'replicas: 4');
    expect(textOf(await replace({ 'web.yaml': edited }), 'web.yaml')).toBe(edited);
  });

  test.each(['#@ data.values.x', '#! a ytt comment'])(
    '7.5.69: comments of ytt are code and never touched: %s',
    async (mark) => {
      const template = STRIPPED.replace('replicas: 3', `replicas: 3 ${mark}`);
      const ytt = packageOf({ Kptfile: KPTFILE, 'web.yaml': template });
      const after = await apply(replaceResources(packageOf({ Kptfile: KPTFILE, 'web.yaml': STRIPPED })), ytt);
      expect(textOf(after, 'web.yaml')).toBe(STRIPPED);
      expect(textOf(await replace({ 'web.yaml': template }), 'web.yaml')).toBe(template);
    },
  );

  test('a script in a text is not ytt', async () => {
    const script =
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  run: |\n    #!/bin/sh\n  b: "1" # note\n';
    const stored = packageOf({ Kptfile: KPTFILE, 'a.yaml': script });
    const sent = packageOf({ Kptfile: KPTFILE, 'a.yaml': script.replace(' # note', '').replace('"1"', '"2"') });
    expect(textOf(await apply(replaceResources(sent), stored), 'a.yaml')).toBe(script.replace('"1"', '"2"'));
  });

  test('a file that an editor wrote anew is as it was also where it had no comments', async () => {
    const plain = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: "1"}\n';
    const stored = packageOf({ Kptfile: KPTFILE, 'all.yaml': `# licence\n---\n${COMMENTED}---\n${plain}` });
    const anew = 'apiVersion: v1\ndata:\n    x: "1"\nkind: ConfigMap\nmetadata:\n    name: a\n';
    const sent = packageOf({ Kptfile: KPTFILE, 'all.yaml': `${STRIPPED}---\n${anew}` });
    expect((await apply(replaceResources(sent), stored)).hash()).toBe(stored.hash());
  });

  test('135: other objects keep their comments when one is renamed', async () => {
    const settings = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  a: "1" # note\n';
    const stored = before.edit([
      ['all.yaml', { mode: '100644', bytes: new TextEncoder().encode(`${COMMENTED}---\n${settings}`) }],
    ]);
    const renamed = settings.replace('name: settings', 'name: other').replace(' # note', '');
    const wanted = packageOf({ Kptfile: KPTFILE, 'web.yaml': COMMENTED, 'all.yaml': `${STRIPPED}---\n${renamed}` });
    expect(textOf(await apply(replaceResources(wanted), stored), 'all.yaml')).toBe(`${COMMENTED}---\n${renamed}`);
  });

  test('the same resource in two files has each file’s own comments', async () => {
    const at = (note: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  x: "1"${note}\n`;
    const stored = packageOf({ Kptfile: KPTFILE, 'a.yaml': at(' # one'), 'b/a.yaml': at(' # two') });
    const wanted = packageOf({
      Kptfile: KPTFILE,
      'a.yaml': at('').replace('1', '2'),
      'b/a.yaml': at('').replace('1', '2'),
    });
    const after = await apply(replaceResources(wanted), stored);
    expect(textOf(after, 'a.yaml')).toBe(at(' # one').replace('1', '2'));
    expect(textOf(after, 'b/a.yaml')).toBe(at(' # two').replace('1', '2'));
  });
});

describe('single files', () => {
  const bytes = (text: string) => ({ mode: '100644', bytes: new TextEncoder().encode(text) }) as const;

  test('are put and deleted, and all others stay', async () => {
    const changes = [
      ['a.yaml', null],
      ['b.yaml', bytes('b: 1\n')],
      ['run.sh', bytes('#!/bin/sh\nexit\n')],
    ] as const;
    const edited = await applyTwice(replaceResources(changes), stored.edit([['link', null]]));
    expect(edited.paths()).toEqual(['Kptfile', 'b.yaml', 'logo.png', 'run.sh']);
    expect(edited.get('run.sh')?.mode).toBe('100755');
  });

  test('7.5.73, 7.5.76: are checked as whole content is', async () => {
    await expect(apply(replaceResources([['Kptfile', null]]), stored)).rejects.toMatchObject({
      reason: 'KptfileMissing',
    });
    await expect(apply(replaceResources([['../x', bytes('')]]), stored)).rejects.toMatchObject({
      reason: 'InvalidPath',
    });
  });

  test('whoever changes the upstream lock by hand is told what that means', async () => {
    const changed = `${KPTFILE}upstreamLock:\n  type: git\n  git: {repo: r, directory: d, ref: v1, commit: c}\n`;
    const { result } = await replaceResources([['Kptfile', bytes(changed)]]).apply(contextOf(), stored);
    expect(result.warnings).toEqual([expect.stringContaining('upstreamLock was changed by hand')]);
  });
});
