import { describe, expect, test } from '@jest/globals';
import { type FunctionImage, functionPod, podName } from '../../../../src/runtimes/pod/manifest.ts';
import { DEFAULT_POD_SETTINGS, type PodSettings } from '../../../../src/runtimes/pod/settings.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;

function image(name: string): FunctionImage {
  const reference = `example.com/functions/${name}@${DIGEST}`;
  return { asked: { name, suffix: ':v1' }, resolved: reference, reference, digest: DIGEST, command: ['/run'] };
}

function podOf(settings: Partial<PodSettings> = {}) {
  const place = { name: 'p', namespace: 'fns', instance: 'one', once: false };
  return functionPod(image('set-labels'), { ...DEFAULT_POD_SETTINGS, ...settings }, place);
}

describe('the pod of a function', () => {
  test('has no token and no privileges, whatever the settings say', () => {
    expect(podOf({ serviceAccountName: 'other' })).toMatchObject({
      spec: {
        serviceAccountName: 'other',
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
          },
        ],
      },
    });
  });

  test('runs the digest, so that a tag that moves changes nothing', () => {
    expect(podOf()).toMatchObject({ spec: { containers: [{ image: `example.com/functions/set-labels@${DIGEST}` }] } });
  });

  test('gets variables, pull secrets and node choice from its settings', () => {
    const settings = {
      env: [{ name: 'A', value: 'b' }],
      envFrom: [{ configMapRef: { name: 'proxy' } }],
      imagePullSecrets: ['pull'],
      nodeSelector: { pool: 'functions' },
      tolerations: [{ key: 'functions', operator: 'Exists' }],
    };
    const { env, envFrom, nodeSelector, tolerations } = settings;
    expect(podOf(settings)).toMatchObject({
      spec: { imagePullSecrets: [{ name: 'pull' }], nodeSelector, tolerations, containers: [{ env, envFrom }] },
    });
  });
});

test.each(['set-labels', 'UPPER_case.name', 'x'.repeat(200), '-'])('the name of a pod of %s is a DNS label', (name) => {
  expect(podName(image(name), '0123abcd')).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
});
