import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { readConfiguration } from '../../../src/cli/controller/configuration.ts';
import { SETTINGS, type Settings } from '../../../src/cli/controller/settings.ts';

const CONFIG = join(import.meta.dirname, '../../../config');

interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Deployment {
  readonly spec: {
    readonly replicas: number;
    readonly selector: { readonly matchLabels: object };
    readonly template: {
      readonly metadata: { readonly labels: object };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly [Container];
        readonly volumes: readonly { readonly name: string; readonly emptyDir?: object }[];
      };
    };
  };
}

function read<T>(file: string): T {
  return parseAllDocuments(readFileSync(join(CONFIG, file), 'utf8'))[0]?.toJS() as T;
}

const deployment = read<Deployment>('manager/deployment.yaml');
const pod = deployment.spec.template.spec;
const [container] = pod.containers;

/** As the controller reads its arguments. */
async function settings(): Promise<Settings> {
  const flags = Object.fromEntries(
    Object.entries(SETTINGS).map(([name, { flag }]) => {
      const given = container.args.filter((arg) => arg.startsWith(`--${flag}=`));
      return [name, given.length === 0 ? undefined : given.map((arg) => arg.slice(flag.length + 3))];
    }),
  );
  return await readConfiguration({ flags, env: {} });
}

describe('the Deployment', () => {
  test('gives the controller arguments that it knows', async () => {
    const [command, ...flags] = container.args;
    expect(command).toBe('controller');
    const known = Object.values(SETTINGS).map(({ flag }) => `--${flag}`);
    expect(flags.filter((flag) => !known.includes(flag.split('=')[0] ?? ''))).toEqual([]);
    await expect(settings()).resolves.toBeDefined();
  });

  test('names the ports that the controller listens on, for probes, metrics and webhooks', async () => {
    const { metricsAddress, healthAddress, syncAddress } = await settings();
    const ports = Object.fromEntries(container.ports.map(({ name, containerPort }) => [name, { port: containerPort }]));
    expect(ports).toEqual({ metrics: metricsAddress, health: healthAddress, sync: syncAddress });
    for (const probe of [container.livenessProbe, container.readinessProbe]) expect(probe.httpGet.port).toBe('health');
    expect(container.livenessProbe.httpGet.path).toBe('/healthz');
    expect(container.readinessProbe.httpGet.path).toBe('/readyz');
    const { spec } = read<{ spec: { ports: { name: string; port: number; targetPort: string }[] } }>(
      'manager/service.yaml',
    );
    for (const { name, port, targetPort } of spec.ports) {
      expect(targetPort).toBe(name);
      expect({ port }).toEqual(ports[name]);
    }
    const { spec: monitor } = read<{ spec: { podMetricsEndpoints: { port: string }[] } }>(
      'monitoring/pod-monitor.yaml',
    );
    expect(monitor.podMetricsEndpoints).toEqual([{ port: 'metrics' }]);
  });

  test('gives it places to write to: for mirrors, and for what is temporary', async () => {
    const mounts = new Map(container.volumeMounts.map(({ mountPath, name }) => [mountPath, name]));
    for (const path of [(await settings()).mirrors, '/tmp']) {
      expect(pod.volumes.find(({ name }) => name === mounts.get(path))?.emptyDir).toBeDefined();
    }
  });

  test('waits longer for its end than it takes to end', async () => {
    expect(pod.terminationGracePeriodSeconds * 1000).toBeGreaterThan((await settings()).shutdownGrace + 5_000);
  });

  test('runs two, told apart by their names, which the Service, the budget and the monitor select', () => {
    expect(deployment.spec.replicas).toBe(2);
    expect(container.env.map(({ name }) => name)).toEqual(expect.arrayContaining(['POD_NAME', 'POD_NAMESPACE']));
    const { labels } = deployment.spec.template.metadata;
    expect(deployment.spec.selector.matchLabels).toEqual(labels);
    expect(read<{ spec: { selector: object } }>('manager/service.yaml').spec.selector).toEqual(labels);
    for (const file of ['manager/disruption-budget.yaml', 'monitoring/pod-monitor.yaml']) {
      expect(read<{ spec: { selector: object } }>(file).spec.selector).toEqual({ matchLabels: labels });
    }
  });

  test('runs the image that config/manager names', () => {
    const { images } = read<{ images: { name: string }[] }>('manager/kustomization.yaml');
    expect(images.map(({ name }) => name)).toEqual([container.image]);
  });
});
