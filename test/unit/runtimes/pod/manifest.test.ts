import { describe, expect, test } from '@jest/globals';
import {
  type FunctionImage,
  functionPod,
  INSTALL_LABEL,
  INSTANCE_LABEL,
  installOf,
  isOf,
  type Pod,
  podName,
} from '../../../../src/runtimes/pod/manifest.ts';
import { DEFAULT_POD_SETTINGS, type PodSettings } from '../../../../src/runtimes/pod/settings.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;

function image(name: string): FunctionImage {
  const reference = `example.com/functions/${name}@${DIGEST}`;
  return { asked: { name, suffix: ':v1' }, resolved: reference, reference, digest: DIGEST, command: ['/run'] };
}

function podOf(settings: Partial<PodSettings> = {}) {
  const place = { name: 'p', namespace: 'fns', install: 'system.lease', instance: 'one', once: false };
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

  test('says of which install and of which process it is', () => {
    const pod = podOf() as Pod;
    expect(pod.metadata.labels).toMatchObject({ [INSTALL_LABEL]: 'system.lease', [INSTANCE_LABEL]: 'one' });
    expect([isOf('system.lease', pod), isOf('system.other', pod)]).toEqual([true, false]);
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

describe('the name of an install', () => {
  test('is that of its Lease', () => {
    expect(installOf({ namespace: 'veranda-system', name: 'veranda-controller' })).toBe(
      'veranda-system.veranda-controller',
    );
  });

  test('tells Leases of one name in two namespaces apart, and the other way round', () => {
    const names = ['a', 'b', 'a-b'].flatMap((namespace) =>
      ['a', 'b', 'b-a'].map((name) => installOf({ namespace, name })),
    );
    expect(new Set(names).size).toBe(9);
  });

  test('is a label also for the longest names, and differs with their last letter', () => {
    const [namespace, name] = ['n'.repeat(63), 'l'.repeat(62)];
    const long = ['x', 'y'].map((last) => installOf({ namespace, name: name + last }));
    expect(new Set(long).size).toBe(2);
    for (const each of long) expect(each).toMatch(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/);
  });
});
