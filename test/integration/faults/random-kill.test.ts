import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { variant } from './scenario.ts';
import type { Stage } from './stages.ts';
import { World, Worlds } from './world.ts';

/** Variants in one run and moments to kill it at; every other variant is published by its policy. */
const VARIANTS = Number(process.env.VERANDA_FAULT_VARIANTS ?? 60);
const KILLS = Number(process.env.VERANDA_FAULT_KILLS ?? 20);

const NAMES = Array.from({ length: VARIANTS }, (_, index) => `shop-${index}`);
const FLEET: Stage = {
  name: 'fleet',
  manifests: NAMES.map((name, index) => variant(name, index % 2 === 0 ? { policy: 'Initial' } : {})),
};

let worlds: Worlds;
/** How long a run without faults works, in milliseconds. */
let duration: number;

beforeAll(
  async () => {
    worlds = await Worlds.create(2, () => World.create(NAMES, 'local'));
    await Promise.all(worlds.all.map((world) => world.prepare([FLEET])));
    duration = Math.max(...worlds.all.map((world) => world.reference(FLEET).workedMs));
  },
  Math.max(300_000, VARIANTS * 2_000),
);

afterAll(() => worlds.close());

test(
  `${KILLS} runs of ${VARIANTS} variants, each killed at some moment, end as one without faults does`,
  async () => {
    // Spread over the whole run, each at a random place of its part.
    const parts = Array.from({ length: KILLS }, (_, index) => (index + Math.random()) / KILLS);
    let killed = 0;
    await worlds.each(parts, async (world, part) => {
      await world.begin(FLEET);
      const process = world.start();
      await process.loaded;
      const [moment, loadedAt] = [part * duration, performance.now()];
      await Promise.race([setTimeout(moment), process.ended]);
      process.kill();
      if ((await process.ended).signal === 'SIGKILL') killed += 1;
      // The machine was busier before: later moments must fit into what a run takes now.
      else duration = Math.min(duration, performance.now() - loadedAt);
      await world.expectRecovery(FLEET, { killedAfterMs: moment });
    });
    expect(killed).toBeGreaterThan(0);
  },
  Math.max(1_200_000, VARIANTS * KILLS * 1_000),
);
