import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { GitFault, GitServer } from '../../env/git/git-server.ts';
import { CHANGE, CREATE, PACKAGES, PROPOSE, RETIRE, type Stage } from './stages.ts';
import { World, Worlds } from './world.ts';

// Many processes a test: the machine may be busy.
jest.setTimeout(180_000);

let worlds: Worlds;

beforeAll(async () => {
  worlds = await Worlds.create(3, () => World.create(PACKAGES, 'http'));
  await Promise.all(worlds.all.map((world) => world.prepare([PROPOSE, CREATE, RETIRE, CHANGE])));
});

afterAll(() => worlds.close());

afterEach(() => {
  for (const { server } of worlds.all) if (server) server.fault = () => undefined;
});

interface PushCase {
  readonly stage: Stage;
  /** 1 for the first push of the process. */
  readonly push: number;
}

/** Every push that the stages really make. */
function pushes(): PushCase[] {
  return [PROPOSE, CREATE, CHANGE].flatMap((stage) => {
    const count = Math.min(...worlds.all.map((world) => world.reference(stage).pushes));
    return Array.from({ length: count }, (_, index) => ({ stage, push: index + 1 }));
  });
}

function serverOf(world: World): GitServer {
  if (!world.server) throw new Error('this world has no server');
  return world.server;
}

/** Lets the fault happen to one push; resolves when that push has reached the server. */
function disturb(server: GitServer, push: number, fault: () => GitFault | undefined): Promise<'reached'> {
  const reached = Promise.withResolvers<'reached'>();
  let seen = 0;
  server.fault = (kind) => {
    if (kind !== 'push') return undefined;
    seen += 1;
    if (seen !== push) return undefined;
    reached.resolve('reached');
    return fault();
  };
  return reached.promise;
}

describe('a push that the server disturbs', () => {
  const faults: readonly (readonly [string, () => GitFault])[] = [
    ['is answered with status 503', () => ({ kind: 'status', status: 503 })],
    ['loses its connection on the way there', () => ({ kind: 'reset' })],
    ['is carried out, but the answer is lost', () => ({ kind: 'dropAnswer' })],
    ['takes long', () => ({ kind: 'delay', until: setTimeout(500) })],
  ];

  test.each(faults)('%s: the same process ends where one without faults does', async (_, fault) => {
    await worlds.each(pushes(), async (world, { stage, push }) => {
      await world.begin(stage);
      let hits = 0;
      void disturb(serverOf(world), push, () => {
        hits += 1;
        return fault();
      });
      await world.expectRecovery(stage, { push });
      expect({ stage: stage.name, push, hits }).toEqual({ stage: stage.name, push, hits: 1 });
    });
  });

  test('is refused by a hook: the same process ends where one without faults does', async () => {
    await worlds.each(pushes(), async (world, { stage, push }) => {
      await world.begin(stage);
      // Counts pushes in a file; the one that is wanted fails.
      await world.downstream.hook(
        'pre-receive',
        `echo x >> pushes; [ "$(wc -l < pushes)" != ${push} ] || { echo frozen >&2; exit 1; }`,
      );
      await world.expectRecovery(stage, { push });
      expect(await world.count('pushes')).toBeGreaterThan(push);
    });
  });

  test('is forbidden (status 403): the next process ends where one without faults does', async () => {
    await worlds.each(pushes(), async (world, { stage, push }) => {
      await world.begin(stage);
      void disturb(serverOf(world), push, () => ({ kind: 'status', status: 403 }));
      await world.start().ended;
      await world.expectRecovery(stage, { push });
    });
  });
});

describe('a push whose process is killed while the server holds it', () => {
  test('lands before the next process starts', async () => {
    await worlds.each(pushes(), async (world, { stage, push }) => {
      const held = await holdAndKill(world, stage, push);
      await held?.land();
      await world.expectRecovery(stage, { push });
    });
  });

  test('lands just before the next process pushes', async () => {
    await worlds.each(pushes(), async (world, { stage, push }) => {
      const held = await holdAndKill(world, stage, push);
      void disturb(serverOf(world), 1, () => held && { kind: 'delay', until: held.land() });
      await world.expectRecovery(stage, { push });
    });
  });

  test('lands after the next process has ended: what is published stays, and the process after it leaves no orphan branch', async () => {
    await worlds.each(pushes(), async (world, { stage, push }) => {
      const held = await holdAndKill(world, stage, push);
      await world.expectRecovery(stage, { push });
      const before = await publishedRefs(world);
      await held?.land();
      expect(await publishedRefs(world)).toEqual(before);
      await world.expectRecovery(stage, { push, landed: 'late' });
    });
  });
});

/** With commit ids. Branches of drafts are not among them: a late push may bring a draft back that was published since. */
async function publishedRefs(world: World): Promise<(readonly [string, string])[]> {
  return [...(await world.downstream.refs())].filter(
    ([ref]) => ref === 'refs/heads/main' || ref.startsWith('refs/tags/'),
  );
}

interface HeldPush {
  /** Lets the server carry it out, and waits for that. */
  land(): Promise<void>;
}

/** Kills the process while its push waits at the server; undefined when the process ended before it made that push. */
async function holdAndKill(world: World, stage: Stage, push: number): Promise<HeldPush | undefined> {
  const server = serverOf(world);
  await world.begin(stage);
  const release = Promise.withResolvers<void>();
  const reached = disturb(server, push, () => ({ kind: 'delay', until: release.promise }));
  const process = world.start();
  if ((await Promise.race([reached, process.ended])) !== 'reached') return undefined;
  process.kill();
  await process.ended;
  server.fault = () => undefined;
  return {
    async land() {
      const { sent } = server.bytes;
      release.resolve();
      while (server.bytes.sent === sent) await setTimeout(5);
    },
  };
}
