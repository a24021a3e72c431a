import { describe, expect, test } from '@jest/globals';
import { replaceResources } from '../../../../src/task/mutations/replace-resources.ts';
import { apply, applyTwice, KPTFILE, packageOf, textOf } from '../support.ts';

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
