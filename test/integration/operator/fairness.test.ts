import { cp } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ClosableRenderer, openRenderer } from '../../../src/cli/renderer.ts';
import { BareRepository } from '../../env/git/bare-repository.ts';
import { type GitRequestKind, type GitServer, startGitServer } from '../../env/git/git-server.ts';
import { condition, OperatorBench } from './support.ts';

/** More than there are workers. */
const WAITING = 1100;
/** More than there are places for packages. */
const CLONES = 4 * availableParallelism() + 1;

/** What one repository may have of these. */
const PLACES_OF_ONE = 3 * availableParallelism();
/** More than are read at a time. */
const REPOSITORIES = 33;

/** Renders only once that is allowed, and counts what waits for it. */
class HeldRenderer implements ClosableRenderer {
  running = 0;
  readonly #renderer = openRenderer();
  readonly #allowed = Promise.withResolvers<void>();
  readonly #look: () => void;

  constructor(look: () => void) {
    this.#look = look;
  }

  render: ClosableRenderer['render'] = async (pkg, options) => {
    this.running++;
    this.#look();
    await this.#allowed.promise;
    return await this.#renderer.render(pkg, options);
  };

  allow(): void {
    this.#allowed.resolve();
  }

  close(): Promise<void> {
    return this.#renderer.close();
  }
}

test('7.9.169: of more packages than are rendered at a time the last ones wait their turn, and are no failures', async () => {
  let look = (): void => undefined;
  const renderer = new HeldRenderer(() => look());
  const bench = await OperatorBench.open({ renderer, onChange: () => look() });
  const until = async (holds: () => boolean): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    look = () => (holds() ? resolve() : undefined);
    look();
    await promise;
  };
  try {
    const remote = await bench.repository('fine');
    const names: string[] = [];
    for (let index = 0; index < CLONES; index++) {
      const spec = { repository: 'fine', packageName: `p${index}`, workspaceName: 'v1', source: { init: {} } };
      names.push(await bench.revision(spec));
    }
    const states = (type: string) => names.map((name) => condition(bench.get(name), type)?.status);
    let failures = 0;
    await bench.operator.start(AbortSignal.timeout(50_000));
    await until(() => renderer.running === PLACES_OF_ONE);
    expect([...states('Ready'), ...states('Rendered')]).not.toContain('False');

    renderer.allow();
    await until(() => {
      if ([...states('Ready'), ...states('Rendered')].includes('False')) failures++;
      return states('Ready').every((status) => status === 'True');
    });
    expect(failures).toBe(0);
    expect(renderer.running).toBe(CLONES);
    await remote.fsck();
  } finally {
    renderer.allow();
    await bench.close();
  }
});

describe('a repository that hangs', () => {
  let bench: OperatorBench;
  let server: GitServer;
  let hanging: number;
  let hangsAt: readonly GitRequestKind[];
  let look: () => void;
  let deadline: AbortSignal;

  beforeEach(async () => {
    look = () => undefined;
    deadline = AbortSignal.timeout(50_000);
    bench = await OperatorBench.open({ onChange: () => look() });
    server = await startGitServer({ root: bench.folder });
    hanging = 0;
    hangsAt = ['discoverPush', 'push'];
    server.fault = (kind, request) => {
      if (!request.url?.startsWith('/sick') || !hangsAt.includes(kind)) return undefined;
      hanging++;
      look();
      return { kind: 'hang' };
    };
  });

  afterEach(async () => {
    // Ends what hangs.
    await server.close();
    await bench.close();
  });

  const until = async (holds: () => boolean): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    look = () => (holds() ? resolve() : undefined);
    deadline.addEventListener('abort', () => reject(deadline.reason), { once: true });
    look();
    await promise;
  };

  const register = async (name: string): Promise<void> => {
    const remote = await BareRepository.create(`${bench.folder}/${name}.git`);
    await remote.commit('main', { 'README.md': 'packages\n' });
    await bench.register(name, server.url(`${name}.git`));
  };

  const revision = (repository: string, packageName: string): Promise<string> =>
    bench.revision({ repository, packageName, workspaceName: 'v1', source: { init: {} } });

  const isReady = (name: string): boolean => condition(bench.get(name), 'Ready')?.status === 'True';

  test('with more revisions than there are workers delays no revision of another one', async () => {
    await register('sick');
    await register('fine');
    const waiting: string[] = [];
    for (let index = 0; index < WAITING; index++) waiting.push(await revision('sick', `p${index}`));
    await bench.operator.start(deadline);
    await until(() => hanging > 0);

    const name = await revision('fine', 'app');
    await until(() => isReady(name));

    expect(hanging).toBe(1);
    expect(waiting.filter(isReady)).toEqual([]);
  });

  test('G-02, 7.8.136: at its listing, and seven more like it, delays no ninth repository', async () => {
    hangsAt = ['discoverFetch'];
    for (let index = 0; index < 8; index++) await register(`sick${index}`);
    await bench.operator.start(deadline);
    await until(() => hanging === 8);

    await register('fine');
    const name = await revision('fine', 'app');
    await until(() => isReady(name));

    // All of them hang still.
    expect(hanging).toBe(8);
    for (let index = 0; index < 8; index++) {
      expect(bench.repositoryObject(`sick${index}`).status?.conditions).toBeUndefined();
    }
  });

  test('7.8.155: of more repositories than are read at a time the last one waits, and is no failure', async () => {
    const { promise, resolve: goOn } = Promise.withResolvers<void>();
    server.fault = (kind) => {
      if (kind !== 'discoverFetch') return undefined;
      hanging++;
      look();
      return { kind: 'delay', until: promise };
    };
    const remote = await BareRepository.create(`${bench.folder}/r0.git`);
    await remote.commit('main', { 'README.md': 'packages\n' });
    const names = Array.from({ length: REPOSITORIES }, (_, index) => `r${index}`);
    for (const name of names) {
      if (name !== 'r0') await cp(remote.path, `${bench.folder}/${name}.git`, { recursive: true });
      await bench.register(name, server.url(`${name}.git`));
    }
    const readiness = () => names.map((name) => condition(bench.repositoryObject(name), 'Ready'));
    const failed: unknown[] = [];
    const seen = (): void => void failed.push(...readiness().filter((ready) => ready?.status === 'False'));
    await bench.operator.start(deadline);
    await until(() => hanging === REPOSITORIES - 1);
    expect(readiness()).toEqual(names.map(() => undefined));

    goOn();
    await until(() => {
      seen();
      return readiness().every((ready) => ready?.status === 'True');
    });
    expect(failed).toEqual([]);
    expect(hanging).toBeGreaterThanOrEqual(REPOSITORIES);
  });

  test('as the upstream of more packages than are worked on at a time delays no other package', async () => {
    hangsAt = ['discoverFetch'];
    await register('fine');
    const source = { cloneFrom: { git: { repo: server.url('sick.git'), ref: 'main', directory: 'app' } } };
    const waiting: string[] = [];
    for (let index = 0; index < CLONES; index++) {
      waiting.push(await bench.revision({ repository: 'fine', packageName: `p${index}`, workspaceName: 'v1', source }));
    }
    await bench.operator.start(deadline);
    await until(() => hanging > 0);

    const name = await revision('fine', 'app');
    await until(() => isReady(name));

    // Nothing was heard of the upstream yet.
    expect(waiting.filter((clone) => condition(bench.get(clone), 'Ready') !== undefined)).toEqual([]);
  });
});
