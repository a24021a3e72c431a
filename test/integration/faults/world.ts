import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { type GitServer, startGitServer } from '../../env/git/git-server.ts';
import type { CallCounts, Kill } from './fault.ts';
import { type JobReport, type OperatorProcess, startOperator } from './process.ts';
import { seedRemotes, writeManifests } from './scenario.ts';
import type { Stage } from './stages.ts';
import { type EndState, endState, fsckAll, strayChanges } from './state.ts';

/** What a run of a stage without faults makes and calls. */
interface Reference {
  readonly state: EndState;
  readonly counts: CallCounts;
  /** Pushes that the server has seen; 0 without a server. */
  readonly pushes: number;
  /** Milliseconds from when the code was loaded to the end. */
  readonly workedMs: number;
}

/**
 * Two remotes, a workspace and manifests in a folder of its own. The content of packages names the address of its upstream,
 * so states are compared within one world only, and each fault happens to a copy of the state before its stage.
 */
export class World {
  readonly server: GitServer | undefined;
  readonly downstream: BareRepository;
  readonly #folder: string;
  readonly #packages: readonly string[];
  readonly #seed: string;
  readonly #references = new Map<string, Reference>();

  private constructor(
    folder: string,
    downstream: BareRepository,
    seed: string,
    packages: readonly string[],
    server?: GitServer,
  ) {
    this.#folder = folder;
    this.downstream = downstream;
    this.#seed = seed;
    this.#packages = packages;
    this.server = server;
  }

  /**
   * @param packages paths of all packages that the scenario makes
   * @param access `http` puts a server in front of the remotes
   */
  static async create(packages: readonly string[], access: 'local' | 'http'): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), 'veranda-faults-'));
    const remotes = join(folder, 'now/remotes');
    const downstream = await seedRemotes(remotes);
    const server = access === 'http' ? await startGitServer({ root: remotes }) : undefined;
    return new World(folder, downstream, await downstream.git('rev-parse', 'main'), packages, server);
  }

  /** Runs the stages one after the other without faults and keeps what each began with and what came out. */
  async prepare(stages: readonly Stage[]): Promise<void> {
    for (const stage of stages) {
      await this.#copy('now', `before-${stage.name}`);
      await this.#apply(stage);
      const before = this.server?.requests.push ?? 0;
      const process = this.start();
      await process.loaded;
      const loadedAt = performance.now();
      const { notReady, counts } = (await process.ended).report as JobReport;
      const workedMs = performance.now() - loadedAt;
      expect(notReady).toEqual([]);
      await this.expectSound();
      const pushes = (this.server?.requests.push ?? 0) - before;
      this.#references.set(stage.name, { state: await this.state(), counts, pushes, workedMs });
    }
  }

  /** Goes back to where a stage begins. */
  async begin(stage: Stage): Promise<void> {
    await this.#copy(`before-${stage.name}`, 'now');
    await this.#apply(stage);
  }

  reference(stage: Stage): Reference {
    const reference = this.#references.get(stage.name);
    if (!reference) throw new Error(`stage ${stage.name} was not prepared`);
    return reference;
  }

  start(kill?: Kill): OperatorProcess {
    const now = join(this.#folder, 'now');
    const job = { manifests: join(now, 'manifests'), workspace: join(now, 'workspace'), kill };
    return startOperator(job, join(this.#folder, 'compile-cache'));
  }

  state(): Promise<EndState> {
    return endState(this.downstream, this.#packages);
  }

  /** Lines of a file in the downstream remote, which its hooks write. */
  async count(file: string): Promise<number> {
    return (await readFile(join(this.downstream.path, file), 'utf8')).split('\n').length - 1;
  }

  /** A process without faults brings what a stage without faults ends with. `after` is what was done to the one before. */
  async expectRecovery(stage: Stage, after: unknown): Promise<void> {
    const { notReady } = (await this.start().ended).report as JobReport;
    expect({ after, notReady, ...(await this.state()) }).toEqual({
      after,
      notReady: [],
      ...this.reference(stage).state,
    });
    await this.expectSound();
  }

  /** Remotes and mirrors are whole, and nothing beside the packages has changed. */
  async expectSound(): Promise<void> {
    await fsckAll(join(this.#folder, 'now/remotes'));
    await fsckAll(join(this.#folder, 'now/workspace/.veranda/git'));
    expect(await strayChanges(this.downstream, this.#seed, this.#packages)).toEqual([]);
  }

  async close(): Promise<void> {
    await this.server?.close();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #apply({ manifests }: Stage): Promise<void> {
    const base = this.server ? this.server.url('').replace(/\/$/, '') : join(this.#folder, 'now/remotes');
    return writeManifests(join(this.#folder, 'now/manifests'), base, manifests);
  }

  async #copy(from: string, to: string): Promise<void> {
    const target = join(this.#folder, to);
    await rm(target, { recursive: true, force: true, maxRetries: 5 });
    await mkdir(target, { recursive: true });
    await cp(join(this.#folder, from), target, { recursive: true, verbatimSymlinks: true });
  }
}

/** Worlds that are prepared alike, so that cases can run side by side. */
export class Worlds {
  readonly all: readonly World[];

  private constructor(all: readonly World[]) {
    this.all = all;
  }

  static async create(count: number, make: () => Promise<World>): Promise<Worlds> {
    return new Worlds(await Promise.all(Array.from({ length: count }, make)));
  }

  /** Runs all cases, each in a world that no other case uses meanwhile; fails with the first failure after all have ended. */
  async each<T>(cases: readonly T[], run: (world: World, each: T) => Promise<void>): Promise<void> {
    const waiting = [...cases];
    const work = async (world: World): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await run(world, next);
    };
    const results = await Promise.allSettled(this.all.map(work));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((world) => world.close()));
  }
}
