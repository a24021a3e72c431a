import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../../src/api/object.ts';
import { SETTINGS } from '../../../src/cli/controller/settings.ts';

const FILE = join(import.meta.dirname, '../../../config/rbac/functions.yaml');
const NAMESPACE = SETTINGS.functionsNamespace.fallback;

async function objects(): Promise<readonly KubeObject[]> {
  return parseAllDocuments(await readFile(FILE, 'utf8')).map((document) => document.toJS() as KubeObject);
}

test('function pods are held to the restricted standard by the API server itself', async () => {
  const found = (await objects()).find(({ kind, metadata }) => kind === 'Namespace' && metadata.name === NAMESPACE);
  expect(found?.metadata.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
});

test('function pods have no network in either direction, and nothing is let through', async () => {
  const policies = (await objects()).filter(({ kind }) => kind === 'NetworkPolicy');
  expect(policies).toEqual([
    expect.objectContaining({
      apiVersion: 'networking.k8s.io/v1',
      metadata: { name: NAMESPACE, namespace: NAMESPACE },
      // No rule beside it: each would let something through.
      spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
    }),
  ]);
});
