import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers';
import { createRenderer } from '../../../src/render/renderer.ts';
import { type DockerEngine, startDockerEngine } from '../../env/docker/engine.ts';
import { buildFunctionImages, type FunctionImage } from '../../env/images/function-images.ts';
import { hostProgramImage } from '../../env/images/host-program.ts';
import { pushImage } from '../../env/images/push.ts';
import { requireProgram } from '../../env/service.ts';
import { configMap, kptfile, packageOf, textOf } from '../../unit/render/support.ts';
import { runtimeOn } from './support.ts';

const REGISTRY_IMAGE = 'veranda.test/registry:2';
const REGISTRY_CONFIG = {
  version: '0.1',
  storage: { filesystem: { rootdirectory: '/tmp/registry' } },
  http: { addr: ':5000' },
};

let engine: DockerEngine;
let registry: StartedTestContainer;
let setNamespace: FunctionImage;

beforeAll(async () => {
  engine = await startDockerEngine();
  // How testcontainers is told which engine to use. Its own helper container cannot be pulled here.
  process.env.DOCKER_HOST = engine.host;
  process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
  await engine.load(await registryImage(), REGISTRY_IMAGE);
  registry = await new GenericContainer(REGISTRY_IMAGE)
    .withExposedPorts(5000)
    .withWaitStrategy(Wait.forHttp('/v2/', 5000))
    .start();
  const images = await buildFunctionImages(['set-namespace']);
  setNamespace = images.get('set-namespace') as FunctionImage;
}, 240_000);

afterAll(async () => {
  await registry?.stop();
  await engine?.stop();
});

async function registryImage() {
  const program = requireProgram('docker-registry');
  const config = { path: '/etc/registry.yml', content: JSON.stringify(REGISTRY_CONFIG) };
  const entrypoint = [program, 'serve', config.path];
  return await hostProgramImage(program, [config], { entrypoint, user: '65534:65534', exposedPorts: ['5000/tcp'] });
}

const host = () => `127.0.0.1:${registry.getMappedPort(5000)}`;

describe('a registry in a container', () => {
  test('answers on its published port', async () => {
    const answer = await fetch(`http://${host()}/v2/`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('docker-distribution-api-version')).toBe('registry/2.0');
  });

  test('gives back the image that was pushed to it, and a render runs it', async () => {
    const digest = await pushImage({ url: `http://${host()}` }, 'fns/set-namespace', 'v0.4.5', setNamespace.image);
    const image = `${host()}/fns/set-namespace:v0.4.5`;
    const renderer = createRenderer({ runtime: runtimeOn(engine), allowedImages: [host()] });
    const pipeline = `pipeline:\n  mutators:\n  - image: ${image}\n    configMap:\n      namespace: prod\n`;
    const given = packageOf({
      Kptfile: kptfile('web', pipeline),
      'web.yaml': configMap('web', 'data:\n  k: v # why\n'),
    });
    const { package: rendered, report } = await renderer.render(given, { signal: new AbortController().signal });
    expect(report.failure).toBeUndefined();
    expect(report.steps).toMatchObject([{ runtime: 'container', image, exitCode: 0 }]);
    expect(textOf(rendered, 'web.yaml')).toContain('namespace: prod\n');
    expect(textOf(rendered, 'web.yaml')).toContain('k: v # why\n');
    const digests = await engine.run('image', 'inspect', '--format', '{{index .RepoDigests 0}}', image);
    expect(digests).toEqual([`${host()}/fns/set-namespace@${digest}`]);
  });

  test('an image that it does not have fails the step with what the engine said', async () => {
    const image = `${host()}/fns/missing:v1`;
    const renderer = createRenderer({ runtime: runtimeOn(engine), allowedImages: [host()] });
    const given = packageOf({ Kptfile: kptfile('web', `pipeline:\n  mutators:\n  - image: ${image}\n`) });
    const { report } = await renderer.render(given, { signal: new AbortController().signal });
    expect(report.failure).toMatchObject({ reason: 'ContainerNotRun', message: expect.stringContaining('manifest') });
  });
});
