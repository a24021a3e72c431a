import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { ALL_KINDS, isKind, PACKAGE_REVISION } from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import { sharedCluster } from '../../env/cluster/shared.ts';
import { kstatus } from '../../env/kstatus/kstatus.ts';
import { makeNamespace, type TestNamespace } from '../support/cluster.ts';
import { MINIMAL_OBJECTS, type ObjectWithSpec } from './minimal-objects.ts';

const SAMPLES = join(import.meta.dirname, '../../../config/samples');

let namespace: TestNamespace;

beforeAll(async () => {
  namespace = await makeNamespace((await sharedCluster()).kubeconfig, 'objects');
});

afterAll(async () => {
  await namespace?.close();
});

/** Objects of our kinds in the samples, as people apply them. */
function samples(): readonly { readonly file: string; readonly object: ObjectWithSpec }[] {
  return readdirSync(SAMPLES, { recursive: true, encoding: 'utf8' })
    .filter((file) => /(^|\/)(manifests|upgrade)\/[^/]+\.yaml$/.test(file))
    .flatMap((file) =>
      parseAllDocuments(readFileSync(join(SAMPLES, file), 'utf8')).map((document) => ({
        file,
        object: document.toJS() as ObjectWithSpec,
      })),
    )
    .filter(({ object }) => ALL_KINDS.some((kind) => isKind(kind, object)));
}

/** Makes the object in the namespace of the test. @returns what the API server keeps */
async function keep(object: ObjectWithSpec, name = object.metadata.name): Promise<ObjectWithSpec> {
  const placed = { ...object, metadata: { ...object.metadata, name, namespace: namespace.name } };
  await namespace.apply(placed);
  const kind = ALL_KINDS.find((known) => isKind(known, object));
  const kept = kind && (await namespace.get(kind, name));
  if (!kept) throw new Error(`${object.kind} ${name} is not there`);
  return kept as ObjectWithSpec;
}

function asKept(object: ObjectWithSpec): object {
  return isKind(PACKAGE_REVISION, object)
    ? { ...object.spec, lifecycle: object.spec.lifecycle ?? 'Draft' }
    : object.spec;
}

describe('what people keep in git is what the cluster has (A-04)', () => {
  test.each(MINIMAL_OBJECTS)('$kind without optional fields gets no defaults', async (object) => {
    const kept = await keep(object, object.metadata.name.replace('web', 'plain'));
    expect(kept.spec).toEqual(asKept(object));
  });

  test('there are samples of the kinds that people write', () => {
    const kinds = new Set(samples().map(({ object }) => object.kind));
    expect([...kinds].sort()).toEqual(['PackageVariant', 'PackageVariantSet', 'Repository']);
  });

  test.each(samples())('$file: $object.kind $object.metadata.name', async ({ file, object }) => {
    const kept = await keep(object, `${object.metadata.name}-${file.split('/')[0]}`);
    expect(kept.spec).toEqual(asKept(object));
  });
});

test('an object that no controller has looked at is InProgress', async () => {
  const fresh = await Promise.all(MINIMAL_OBJECTS.map((object) => keep(object)));
  const seen = await kstatus(fresh);
  expect(fresh).toHaveLength(ALL_KINDS.length);
  expect([...seen.values()]).toEqual(fresh.map(() => 'InProgress'));
});

describe('the type of an upstream revision (V-11, V-12, 16.1.19)', () => {
  const cases = [
    { revision: 2, name: 'a number', accepted: true },
    { revision: 'v2', name: 'the name of a tag', accepted: false },
    { revision: '2', name: 'a number as text', accepted: false },
    { revision: 2.5, name: 'a fraction', accepted: false },
  ];
  const kinds = MINIMAL_OBJECTS.filter(({ kind }) => ['PackageVariant', 'PackageVariantSet'].includes(kind));
  const table = kinds.flatMap((object) => cases.map((one) => ({ ...one, object, kind: object.kind })));

  test.each(table)('$kind: $name', async ({ object, revision, accepted }) => {
    const upstream = { ...Reflect.get(object.spec, 'upstream'), revision };
    const next = {
      ...object,
      metadata: { name: `revision-${object.kind.toLowerCase()}` },
      spec: { ...object.spec, upstream },
    };
    const outcome = await keep(next).then(
      (kept) => Reflect.get(Reflect.get(kept.spec, 'upstream'), 'revision'),
      (error: KubeObject & Error) => error.message,
    );
    if (accepted) expect(outcome).toBe(revision);
    else expect(outcome).toMatch(/spec\.upstream\.revision.*(must be of type integer|expected numeric)/s);
  });
});
