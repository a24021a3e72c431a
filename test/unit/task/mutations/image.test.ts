import { describe, expect, test } from '@jest/globals';
import { parseKrmFile } from '../../../../src/krm/file.ts';
import { taskRecord } from '../../../../src/task/mapping.ts';
import { clone } from '../../../../src/task/mutations/clone.ts';
import { upgrade } from '../../../../src/task/mutations/upgrade.ts';
import { fromSource } from '../../../../src/task/source.ts';
import type { ResolvedImage, ResolvedRevision } from '../../../../src/task/types.ts';
import { apply, contextOf, imagesOf, KPTFILE, packageOf, revisionOf, sourcesOf, textOf } from '../support.ts';

const NAME = 'registry.example.com/packages/web';
const digest = (version: number) => `${NAME}@sha256:${String(version).repeat(64)}`;
const settings = (a: string, b: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  a: "${a}"\n  b: "${b}"\n`;

function imageAt(version: number, files: Record<string, string>): ResolvedImage {
  return {
    lock: { type: 'oci', oci: { image: `${NAME}:v${version}`, digest: digest(version) } },
    content: packageOf({ Kptfile: KPTFILE, ...files }),
  };
}

const v1 = imageAt(1, { 'settings.yaml': settings('1', '1') });
const v2 = imageAt(2, {
  'settings.yaml': settings('2', '1'),
  'more.yaml': settings('x', 'y').replace('settings', 'more'),
});
const images = { [`${NAME}:v1`]: v1, [`${NAME}:v2`]: v2 };

function contextWith(local: readonly ResolvedRevision[] = [], known: Record<string, ResolvedImage> = images) {
  return contextOf({ sources: { ...sourcesOf(local), ...imagesOf(known) } });
}

function kptfileOf(pkg: Parameters<typeof textOf>[0]): unknown {
  return parseKrmFile('Kptfile', new TextEncoder().encode(textOf(pkg, 'Kptfile'))).documents[0]?.value;
}

async function cloned(edit: Record<string, string> = {}): Promise<ResolvedRevision> {
  const pkg = await apply(clone({ oci: { image: `${NAME}:v1` } }), packageOf({}), contextWith());
  const files = Object.fromEntries(pkg.paths().map((path) => [path, textOf(pkg, path)]));
  return revisionOf({
    name: 'deployments.istions.v1',
    repository: 'deployments',
    package: 'istions',
    content: packageOf({ ...files, ...edit }),
  });
}

const task = (image: string) => upgrade({ currentPackage: { name: 'deployments.istions.v1' }, oci: { image } });

describe('a clone of an image', () => {
  test('7.2.30, where the reference refuses: names the image and locks its digest', async () => {
    const { content } = await cloned();
    expect(kptfileOf(content)).toMatchObject({
      metadata: { name: 'istions' },
      upstream: { type: 'oci', oci: { image: `${NAME}:v1` } },
      upstreamLock: { type: 'oci', oci: { image: `${NAME}:v1`, digest: digest(1) } },
    });
    expect(textOf(content, 'settings.yaml')).toContain('a: "1"');
  });

  test('an image without a Kptfile in its root is refused', async () => {
    const bare: ResolvedImage = { ...v1, content: packageOf({ 'a.yaml': 'a: 1\n' }) };
    const cloning = apply(clone({ oci: { image: 'x' } }), packageOf({}), contextWith([], { x: bare }));
    await expect(cloning).rejects.toMatchObject({ reason: 'KptfileMissing' });
  });
});

describe('an upgrade to another image', () => {
  test('merges what upstream changed into what people changed', async () => {
    const local = await cloned({ 'settings.yaml': settings('1', 'ours') });
    const pkg = await apply(task(`${NAME}:v2`), packageOf({}), contextWith([local]));
    expect(textOf(pkg, 'settings.yaml')).toMatch(/a: "2"\n {2}b: "ours"/);
    expect(pkg.has('more.yaml')).toBe(true);
    expect(kptfileOf(pkg)).toMatchObject({
      metadata: { name: 'istions' },
      upstream: { type: 'oci', oci: { image: `${NAME}:v2` } },
      upstreamLock: { type: 'oci', oci: { image: `${NAME}:v2`, digest: digest(2) } },
    });
  });

  test("starts from the lock's digest, whatever its tag names by now", async () => {
    const moved = imageAt(3, { 'settings.yaml': settings('3', 'moved') });
    const local = await cloned({ 'settings.yaml': settings('1', 'ours') });
    const known = { [`${NAME}:v1`]: moved, [`${NAME}:v2`]: v2, [digest(1)]: v1 };
    const pkg = await apply(task(`${NAME}:v2`), packageOf({}), contextWith([local], known));
    expect(textOf(pkg, 'settings.yaml')).toMatch(/a: "2"\n {2}b: "ours"/);
  });

  test('reads a lock whose digest stands alone', async () => {
    const local = await cloned();
    const text = textOf(local.content, 'Kptfile').replace(`digest: ${NAME}@`, 'digest: ');
    expect(text).not.toContain(`${NAME}@`);
    const { content } = await cloned({ Kptfile: text });
    const pkg = await apply(task(`${NAME}:v2`), packageOf({}), contextWith([{ ...local, content }]));
    expect(textOf(pkg, 'settings.yaml')).toContain('a: "2"');
  });

  test.each([
    ['another image', 'registry.example.com/packages/other:v1', 'oci.image'],
    ['the same name in another registry', 'mirror.example.com/packages/web:v2', 'oci.image'],
  ])('%s is refused', async (_name, image, field) => {
    const other = { ...v2, lock: { type: 'oci' as const, oci: { image, digest: `${image.split(':')[0]}@sha256:x` } } };
    const upgrading = apply(task(image), packageOf({}), contextWith([await cloned()], { ...images, [image]: other }));
    await expect(upgrading).rejects.toMatchObject({
      reason: 'UpstreamMismatch',
      location: { field: `spec.source.upgrade.${field}` },
    });
  });

  test('a package from git is refused, and so is an image for a revision', async () => {
    const lock = 'upstreamLock: {type: git, git: {repo: https://h/r.git, directory: d, ref: v1, commit: abc}}\n';
    const fromGit = await cloned({ Kptfile: `${KPTFILE}${lock}` });
    await expect(apply(task(`${NAME}:v2`), packageOf({}), contextWith([fromGit]))).rejects.toMatchObject({
      reason: 'UpstreamMismatch',
      message: expect.stringContaining('https://h/r.git'),
    });
    const byName = upgrade({
      currentPackage: { name: 'deployments.istions.v1' },
      oldUpstream: { name: 'blueprints.basens.v1' },
      newUpstream: { name: 'blueprints.basens.v1' },
    });
    const context = contextWith([await cloned(), revisionOf({ name: 'blueprints.basens.v1' })]);
    await expect(apply(byName, packageOf({}), context)).rejects.toMatchObject({
      reason: 'UpstreamMismatch',
      message: expect.stringContaining('spec.source.upgrade.oci'),
    });
  });

  test('a package that was not cloned has no upstream', async () => {
    const local = await cloned({ Kptfile: KPTFILE });
    await expect(apply(task(`${NAME}:v2`), packageOf({}), contextWith([local]))).rejects.toMatchObject({
      reason: 'NoUpstream',
    });
  });

  test('an image that is gone from its registry is told as the base', async () => {
    const upgrading = apply(task(`${NAME}:v2`), packageOf({}), contextWith([await cloned()], { [`${NAME}:v2`]: v2 }));
    await expect(upgrading).rejects.toMatchObject({
      reason: 'ManifestNotFound',
      retry: 'backoff',
      message: expect.stringContaining('made from is no longer in its registry'),
    });
  });
});

describe('sources and records', () => {
  test.each([
    [
      {
        cloneFrom: {
          type: 'oci' as const,
          oci: { image: 'a/b:v1', secretRef: { name: '' } },
          upstreamRef: { name: '' },
        },
      },
      { type: 'clone', clone: { upstreamRef: { type: 'oci', oci: { image: 'a/b:v1' } } } },
    ],
    [
      { cloneFrom: { oci: { image: 'a/b:v1', secretRef: { name: 's' } } } },
      { type: 'clone', clone: { upstreamRef: { type: 'oci', oci: { image: 'a/b:v1', secretRef: { name: 's' } } } } },
    ],
    [
      { upgrade: { currentPackage: { name: 'c' }, oci: { image: 'a/b:v2' }, strategy: 'copy-merge' as const } },
      {
        type: 'upgrade',
        upgrade: { oci: { image: 'a/b:v2' }, localPackageRevisionRef: { name: 'c' }, strategy: 'copy-merge' },
      },
    ],
  ])('%j', (source, record) => {
    expect(taskRecord(fromSource(source))).toEqual(record);
  });

  test.each([
    [{ upgrade: { currentPackage: { name: 'c' }, oci: { image: '' } } }, 'spec.source.upgrade.oci.image'],
    [
      { upgrade: { currentPackage: { name: 'c' }, newUpstream: { name: 'b' }, oci: { image: 'a' } } },
      'spec.source.upgrade',
    ],
    [{ upgrade: { currentPackage: { name: 'c' } } }, 'spec.source.upgrade.oldUpstream.name'],
  ])('%j is refused', (source, field) => {
    expect(() => fromSource(source)).toThrow(expect.objectContaining({ reason: 'InvalidSource', location: { field } }));
  });
});
