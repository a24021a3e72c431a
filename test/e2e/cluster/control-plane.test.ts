import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ControlPlane, startControlPlane } from '../../env/cluster/control-plane.ts';
import { kubectl, tryKubectl } from '../../env/cluster/kubectl.ts';

let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane({ controllerManager: false, audit: true });
});

afterAll(async () => {
  await plane.stop();
});

test.each(['stopApiServer', 'killApiServer'] as const)(
  'the API server comes back with its data after %s',
  async (end) => {
    const name = `map-${end.toLowerCase()}`;
    await kubectl(plane.kubeconfig, ['create', 'configmap', name]);
    await plane[end]();
    expect((await tryKubectl(plane.kubeconfig, ['get', 'configmap', name])).code).not.toBe(0);
    await plane.startApiServer();
    expect(await kubectl(plane.kubeconfig, ['get', 'configmap', name, '-o', 'name'])).toBe(`configmap/${name}\n`);
  },
);

test('every request is in the audit log, with its user', async () => {
  await tryKubectl(await plane.kubeconfigFor('berta', ['auditors']), ['get', 'secrets']);
  const lines = (await readFile(plane.auditLog ?? '', 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(lines).toContainEqual(
    expect.objectContaining({
      verb: 'list',
      user: expect.objectContaining({ username: 'berta', groups: expect.arrayContaining(['auditors']) }),
      objectRef: expect.objectContaining({ resource: 'secrets', namespace: 'default' }),
      responseStatus: expect.objectContaining({ code: 403 }),
    }),
  );
});

describe('a control plane that has ended', () => {
  test('leaves no files and nobody who listens', async () => {
    const other = await startControlPlane({ controllerManager: false });
    await other.stop();
    expect(existsSync(other.directory)).toBe(false);
    await expect(fetch(other.url)).rejects.toThrow('fetch failed');
  });
});
