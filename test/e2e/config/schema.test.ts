import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { VerandaError } from '../../../src/api/errors.ts';
import { ALL_KINDS, isKind, type PackageRevision } from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import { loadCredentials } from '../../../src/kube/adapters/kubernetes/credentials.ts';
import { HttpApiClient } from '../../../src/kube/adapters/kubernetes/http-client.ts';
import { sharedCluster } from '../../env/cluster/shared.ts';
import { bad, good, type ManifestCase } from '../../unit/api/manifest-cases.ts';

const namespace = `schema-${randomBytes(4).toString('hex')}`;
let client: HttpApiClient;

beforeAll(async () => {
  const credentials = await loadCredentials({ kubeconfig: (await sharedCluster()).kubeconfig });
  client = new HttpApiClient({ credentials, userAgent: 'veranda-test' });
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  await client.json({ method: 'POST', path: '/api/v1/namespaces', body });
});

afterAll(async () => {
  await client?.json({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}` });
  await client?.close();
});

const STRICT = { fieldValidation: 'Strict' };
const ONLY_TRY = { ...STRICT, dryRun: 'All' };

function ofOurs({ manifest }: { readonly manifest: object }): boolean {
  return ALL_KINDS.some((kind) => isKind(kind, manifest as KubeObject));
}

function pathOf(object: KubeObject, name?: string): string {
  const plural = ALL_KINDS.find((kind) => isKind(kind, object))?.plural ?? '';
  const collection = `/apis/${object.apiVersion}/namespaces/${namespace}/${plural}`;
  return name === undefined ? collection : `${collection}/${name}`;
}

function placed(manifest: object, resourceVersion?: string): KubeObject {
  const object = manifest as KubeObject;
  return { ...object, metadata: { ...object.metadata, namespace, resourceVersion } };
}

async function create(object: KubeObject, query: typeof STRICT): Promise<KubeObject> {
  return await client.json<KubeObject>({ method: 'POST', path: pathOf(object), query, body: object });
}

/** Creates it, or puts it in the place of the old one, without that anything is kept. */
async function send({ manifest, old }: Pick<ManifestCase, 'manifest' | 'old'>): Promise<KubeObject> {
  if (old === undefined) return await create(placed(manifest), ONLY_TRY);
  const { metadata } = await create(placed(old), STRICT);
  const path = pathOf(placed(old), metadata.name);
  try {
    const body = placed(manifest, metadata.resourceVersion);
    return await client.json<KubeObject>({ method: 'PUT', path, query: ONLY_TRY, body });
  } finally {
    await client.json({ method: 'DELETE', path });
  }
}

async function refusal(attempt: Promise<unknown>): Promise<VerandaError | undefined> {
  return await attempt.then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof VerandaError) return error;
      throw error;
    },
  );
}

describe('what the CRDs say, an API server does, and commands without a cluster do the same', () => {
  test.each(good.filter(ofOurs))('accepted: $name', async (one) => {
    expect((await refusal(send(one)))?.message).toBeUndefined();
  });

  test.each(bad.filter(ofOurs))('refused: $name', async (one) => {
    const error = await refusal(send(one));
    expect(['Invalid', 'BadRequest']).toContain(error?.reason);
    const said = error?.message ?? '';
    expect({ said, spoken: one.expected.filter((line) => speaksOf(said, line)) }).not.toEqual({ said, spoken: [] });
  });
});

/** An API server that misses a field may stop at its parent, and one with other faults leaves rules unchecked. */
function speaksOf(said: string, line: string): boolean {
  const [field = '', fault = ''] = line.split(/: (.*)/);
  const parent = field.slice(0, Math.max(field.lastIndexOf('.'), field.lastIndexOf('[')));
  return said.includes(fault) || said.includes(field) || said.includes(`${parent}: `);
}

describe('7.9.180 revisions are listed by', () => {
  const name = ({ metadata }: KubeObject) => metadata.name;
  const list = async (fieldSelector: string) => {
    const path = `/apis/porch.kpt.dev/v1alpha2/namespaces/${namespace}/packagerevisions`;
    const { items } = await client.json<{ items: readonly PackageRevision[] }>({
      method: 'GET',
      path,
      query: { fieldSelector },
    });
    return items.map(name).sort();
  };

  beforeAll(async () => {
    for (const { lifecycle, revision, ...spec } of [
      { packageName: 'web', repository: 'edge', workspaceName: 'v1', lifecycle: 'Published', revision: 1 },
      { packageName: 'web', repository: 'edge', workspaceName: 'v2', lifecycle: 'Draft', revision: 0 },
      { packageName: 'db', repository: 'core', workspaceName: 'v1', lifecycle: 'Published', revision: 1 },
    ]) {
      const object: PackageRevision = {
        apiVersion: 'porch.kpt.dev/v1alpha2',
        kind: 'PackageRevision',
        metadata: { name: `${spec.repository}.${spec.packageName}.${spec.workspaceName}` },
        spec: { ...spec, lifecycle: lifecycle as PackageRevision['spec']['lifecycle'] },
      };
      await create(placed(object), STRICT);
      await client.json({
        method: 'PATCH',
        path: `${pathOf(object, object.metadata.name)}/status`,
        contentType: 'application/merge-patch+json',
        body: { status: { revision } },
      });
    }
  });

  test.each([
    ['spec.packageName=web', ['edge.web.v1', 'edge.web.v2']],
    ['spec.repository=core', ['core.db.v1']],
    ['spec.workspaceName=v1', ['core.db.v1', 'edge.web.v1']],
    ['spec.lifecycle=Draft', ['edge.web.v2']],
    ['status.revision=1', ['core.db.v1', 'edge.web.v1']],
    ['status.revision=0', ['edge.web.v2']],
    ['spec.packageName=web,status.revision=1', ['edge.web.v1']],
    ['metadata.name=core.db.v1', ['core.db.v1']],
    ['spec.lifecycle!=Draft', ['core.db.v1', 'edge.web.v1']],
    ['spec.packageName=nothing', []],
  ])('%s (7.6.101)', async (selector, expected) => {
    expect(await list(selector)).toEqual(expected);
  });

  test('7.6.100 but not by what is no such field', async () => {
    expect((await refusal(list('spec.site=x')))?.reason).toBe('BadRequest');
  });
});
