import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { VersionRange } from '../../../src/functions/versions.ts';
import { type ContainerRuntimeOptions, createContainerRuntime } from '../../../src/runtimes/container.ts';
import { highestInRange, wantedImage } from '../../../src/runtimes/container-image.ts';
import { textOf } from '../render/support.ts';
import { ENV, renderWith, script, until, withFolder } from './support.ts';

/** A client that writes down how it was called and answers `run` by `body`. */
async function fakeEngine(folder: string, body: string, listing = ''): Promise<void> {
  const cases = `run) ${body};; image) printf '${listing}';; rm) : > removed;; esac\n`;
  await script(join(folder, 'docker'), `cd ${folder}; echo "$@" >> calls; case $1 in ${cases}`);
}

function runtimeIn(folder: string, options: Partial<ContainerRuntimeOptions> = {}) {
  const env = { PATH: `${folder}:${ENV.PATH}` };
  const base = { engine: 'docker', pullPolicy: 'missing', allowNetwork: false, uniqueName: () => '1', env } as const;
  return createContainerRuntime({ ...base, ...options });
}

const calls = (folder: string) => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
const allowed = { allowedImages: ['example.com'] };

describe('an image as a function', () => {
  test.each([
    [{}, '--network none', '--pull missing', '--memory 512m'],
    [{ allowNetwork: true, pullPolicy: 'never', memory: '1g' }, '--network host', '--pull never', '--memory 1g'],
  ] as const)('runs isolated: %j', async (options, network, pull, memory) => {
    await withFolder(async (folder) => {
      await fakeEngine(folder, 'sed -e "s/k: old/k: new/"');
      const { package: rendered, report } = await renderWith(
        runtimeIn(folder, options),
        'image: example.com/fn:v1',
        allowed,
      );
      expect(report.failure).toBeUndefined();
      expect(report.steps).toMatchObject([{ runtime: 'container', image: 'example.com/fn:v1', exitCode: 0 }]);
      expect(textOf(rendered, 'a.yaml')).toContain('k: new # why');
      expect(calls(folder)).toEqual([
        `run --rm -i --name veranda-fn-1 ${network} --user nobody --security-opt=no-new-privileges ${memory} ${pull} example.com/fn:v1`,
      ]);
    });
  });

  test('H 73: a short name gets the prefix of the catalogue and a tag', async () => {
    await withFolder(async (folder) => {
      await fakeEngine(folder, 'cat');
      const { report } = await renderWith(runtimeIn(folder), 'image: set-labels');
      expect(report.steps[0]?.image).toBe('ghcr.io/kptdev/krm-functions-catalog/set-labels:latest');
      expect(calls(folder)[0]).toContain(' ghcr.io/kptdev/krm-functions-catalog/set-labels:latest');
    });
  });

  test('H 74: the prefix is cleaned, and what is none is refused', async () => {
    await withFolder(async (folder) => {
      await fakeEngine(folder, 'cat');
      const { report } = await renderWith(runtimeIn(folder), 'image: mine:v1', { imagePrefix: 'r.io/p/' });
      expect(report.steps[0]?.image).toBe('r.io/p/mine:v1');
      for (const imagePrefix of ['https://x/y', 'x y', 'x?y']) {
        expect(() => renderWith(runtimeIn(folder), 'image: a', { imagePrefix })).toThrow(
          expect.objectContaining({ reason: 'InvalidImagePrefix' }),
        );
      }
    });
  });

  test('an image from a place that is not allowed does not run', async () => {
    await withFolder(async (folder) => {
      await fakeEngine(folder, 'cat');
      for (const image of ['evil.example.net/fn', 'example.com.evil/fn', 'ghcr.io/kptdev-evil/fn', 'docker.io/fn']) {
        const { report } = await renderWith(runtimeIn(folder), `image: ${image}`, allowed);
        expect(report.failure).toMatchObject({ reason: 'ImageNotAllowed', message: expect.stringContaining(image) });
      }
      expect(existsSync(join(folder, 'calls'))).toBe(false);
      expect(
        (await renderWith(runtimeIn(folder), 'image: docker.io/fn', { allowedImages: ['*'] })).report.failure,
      ).toBeUndefined();
    });
  });

  test('H 75: the highest local tag in the range of the step runs', async () => {
    await withFolder(async (folder) => {
      await fakeEngine(folder, 'cat', 'v0.4.1\\nv0.5.0\\nv0.4.10\\nv0.4.9\\nsha256-x\\nfoo\\nv1-git-2\\n<none>\\n');
      const { report } = await renderWith(runtimeIn(folder), '{image: example.com/fn, tag: ~0.4}', allowed);
      expect(report.steps[0]?.image).toBe('example.com/fn:v0.4.10');
      expect(calls(folder)[1]).toMatch(/ example\.com\/fn:v0\.4\.10$/);
    });
  });

  test('H 76: a range that nothing is in fails the step', async () => {
    await withFolder(async (folder) => {
      await fakeEngine(folder, 'cat', 'v0.5.0\\n');
      const { report } = await renderWith(runtimeIn(folder), '{image: example.com/fn, tag: ~0.4}', allowed);
      expect(report.failure).toMatchObject({ reason: 'TagNotFound', message: expect.stringContaining('~0.4') });
    });
  });

  test('the fault of the client is no result of the function, and may pass', async () => {
    await withFolder(async (folder) => {
      await fakeEngine(folder, 'echo "Cannot connect to the daemon" >&2; exit 125');
      const { report } = await renderWith(runtimeIn(folder), 'image: example.com/fn:v1', allowed);
      expect(report.failure).toMatchObject({ reason: 'ContainerNotRun', retry: 'backoff' });
      expect(report.failure?.message).toContain('Cannot connect to the daemon');
    });
  });

  test('what the client says while it pulls is no message of the function', async () => {
    await withFolder(async (folder) => {
      const chatter = "Unable to find image 'example.com/fn:v1' locally\nv1: Pulling from fn\nDigest: sha256:0\n";
      await fakeEngine(folder, `cat; printf "${chatter}told\n" >&2`);
      const { report } = await renderWith(runtimeIn(folder), 'image: example.com/fn:v1', allowed);
      expect(report.steps[0]?.stderr).toBe('told\n');
    });
  });

  test('R-20: the container of one that hangs is removed', async () => {
    await withFolder(async (folder) => {
      await fakeEngine(folder, 'exec sleep 600');
      const { report } = await renderWith(runtimeIn(folder), 'image: example.com/fn:v1', {
        ...allowed,
        stepTimeout: 500,
      });
      expect(report.failure?.reason).toBe('Timeout');
      await until(() => existsSync(join(folder, 'removed')));
      expect(calls(folder).at(-1)).toBe('rm --force veranda-fn-1');
    });
  });

  test('a missing client is named', async () => {
    await withFolder(async (folder) => {
      const { report } = await renderWith(
        runtimeIn(folder, { engine: 'no-such-engine' }),
        'image: example.com/fn:v1',
        allowed,
      );
      expect(report.failure).toMatchObject({
        reason: 'CommandNotRun',
        message: expect.stringContaining('no-such-engine'),
      });
    });
  });
});

describe('image and tag of a step', () => {
  test.each([
    ['no tag', { image: 'a/b' }, { suffix: ':latest' }],
    ['its own tag', { image: 'a/b:v1' }, { suffix: ':v1' }],
    ['its own digest', { image: `a/b:v1@sha256:${'0'.repeat(64)}` }, { suffix: `:v1@sha256:${'0'.repeat(64)}` }],
    ['H 76: a version', { image: 'a/b:v1', tag: 'v1.2.3' }, { suffix: ':v1.2.3' }],
    ['H 76: any other tag', { image: 'a/b', tag: 'my_tag' }, { suffix: ':my_tag' }],
    [
      'H 77: a tag in place of a digest',
      { image: `a/b@sha256:${'0'.repeat(64)}`, tag: 'v1.0.0' },
      { suffix: ':v1.0.0' },
    ],
  ])('%s', (_, spec, expected) => {
    expect(wantedImage(spec)).toMatchObject({ name: 'a/b', ...expected });
  });

  test('H 76: what is no tag is refused', () => {
    expect(() => wantedImage({ image: 'a/b', tag: 'v1+b' })).toThrow(expect.objectContaining({ reason: 'InvalidTag' }));
  });

  test('H 75: versions are compared as numbers', () => {
    const range = VersionRange.parse('>=0.1 <0.3') as VersionRange;
    expect(highestInRange(['v0.2.9', '0.2.10', 'v0.3.0', 'latest'], range)).toBe('0.2.10');
    expect(highestInRange(['latest'], range)).toBeUndefined();
  });
});
