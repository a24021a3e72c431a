import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ControlPlane, startControlPlane } from '../../env/cluster/control-plane.ts';
import { type OperatorConfig, operatorConfig } from '../../env/cluster/install.ts';
import { type KubectlResult, kubectl, tryKubectl } from '../../env/cluster/kubectl.ts';
import { waitFor } from '../support/wait-for.ts';

const ROOT = join(import.meta.dirname, '../../..');
const CONFIG = join(ROOT, 'config');
const PATIENCE_MS = 120_000;

/** Two clusters: what one way of applying leaves behind must not help the other. */
const planes: ControlPlane[] = [];
let cache: string;
let folder: OperatorConfig;

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'veranda-kubectl-'));
  planes.push(await startControlPlane(), await startControlPlane());
  folder = await operatorConfig(planes[0]?.kubeconfig ?? '');
}, 180_000);

afterAll(async () => {
  for (const plane of planes) await plane.stop();
  if (cache) await rm(cache, { recursive: true, force: true });
}, 60_000);

function run(index: number, ...args: readonly string[]): Promise<KubectlResult> {
  const kubeconfig = planes[index]?.kubeconfig ?? '';
  return tryKubectl(kubeconfig, [`--cache-dir=${join(cache, String(index))}`, ...args]);
}

/** What kubectl says of each object, by its last word. */
function outcomes({ stdout }: KubectlResult): readonly string[] {
  return [
    ...new Set(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ').at(-1) ?? ''),
    ),
  ];
}

interface Policy {
  readonly metadata: { readonly name: string; readonly generation: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly typeChecking?: { readonly expressionWarnings?: readonly object[] };
  };
}

async function policies(index: number): Promise<readonly Policy[]> {
  const text = await kubectl(planes[index]?.kubeconfig ?? '', ['get', 'validatingadmissionpolicies', '-o', 'json']);
  return (JSON.parse(text) as { readonly items: readonly Policy[] }).items.filter(({ metadata }) =>
    metadata.name.startsWith('veranda-'),
  );
}

describe('kubectl apply -k config/default, or what an older Kubernetes has of it', () => {
  test(
    'is one command on an empty cluster, and changes nothing the second time',
    async () => {
      const first = await run(0, 'apply', '-k', join(CONFIG, folder));
      expect(first).toMatchObject({ code: 0, stderr: '' });
      expect(outcomes(first)).toEqual(['created']);

      const second = await run(0, 'apply', '-k', join(CONFIG, folder));
      expect(second).toMatchObject({ code: 0, stderr: '' });
      expect(await run(0, 'diff', '-k', join(CONFIG, folder))).toMatchObject({ code: 0, stdout: '' });
    },
    PATIENCE_MS,
  );

  test('every policy is understood by the API server, its types included', async () => {
    const checked = await waitFor(
      async () => {
        const all = await policies(0);
        return all.length > 0 && all.every(({ status }) => status?.typeChecking !== undefined) ? all : undefined;
      },
      { what: 'the policies are type-checked' },
    );
    const wrong = checked.filter(({ status }) => (status?.typeChecking?.expressionWarnings ?? []).length > 0);
    expect(wrong).toEqual([]);
    expect(checked.map(({ metadata }) => metadata.generation)).toEqual(checked.map(() => 1));
  });

  test(
    'with --server-side, on top of config/without-mutating-policy, has no conflicts',
    async () => {
      const older = await run(1, 'apply', '--server-side', '-k', join(CONFIG, 'without-mutating-policy'));
      expect(older).toMatchObject({ code: 0, stderr: '' });
      expect(older.stdout).not.toContain('mutatingadmissionpolicy');

      for (const _ of ['first', 'second']) {
        const applied = await run(1, 'apply', '--server-side', '-k', join(CONFIG, folder));
        expect(applied).toMatchObject({ code: 0, stderr: '' });
        expect(outcomes(applied)).toEqual(['serverside-applied']);
      }
      expect(await run(1, 'diff', '--server-side', '-k', join(CONFIG, folder))).toMatchObject({
        code: 0,
        stdout: '',
      });
      expect((await policies(1)).map(({ metadata }) => metadata.generation)).toEqual((await policies(1)).map(() => 1));
    },
    PATIENCE_MS,
  );
});

test.each(['monitoring', 'crd'])('config/%s is a folder of its own that kustomize builds', async (folder) => {
  const { code, stdout } = await run(0, 'kustomize', join(CONFIG, folder));
  expect(code).toBe(0);
  expect(stdout).toContain('apiVersion:');
});

test('the namespace is renamed as docs/security.md says it, policies included', async () => {
  const guide = await readFile(join(ROOT, 'docs/security.md'), 'utf8');
  const commands = /```shell\n(cp -r config crds my-veranda\/\n[^`]*)```/.exec(guide)?.[1] ?? '';
  expect(commands).toContain('platform-tools');
  const place = await mkdtemp(join(tmpdir(), 'veranda-renamed-'));
  try {
    for (const folder of ['config', 'crds']) await cp(join(ROOT, folder), join(place, folder), { recursive: true });
    await promisify(execFile)('sh', ['-ec', `mkdir my-veranda\n${commands}`], { cwd: place });
    const { code, stdout } = await run(0, 'kustomize', join(place, 'my-veranda/config/default'));
    expect(code).toBe(0);
    expect(stdout).not.toContain('veranda-system');
    expect(stdout.match(/system:serviceaccount:platform-tools:veranda-controller/g)?.length).toBeGreaterThanOrEqual(3);
    expect(stdout).toContain('namespace: veranda-functions');
  } finally {
    await rm(place, { recursive: true, force: true });
  }
});
