import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, configOf, configure, evaluate, inputs } from './evaluations.ts';

/** How the pool of one image follows its work. */
export interface Growth {
  /** Pods that ran before the work came. */
  readonly before: number;
  readonly most: number;
  readonly secondsToMost: number;
  /** Until all evaluations had ended. */
  readonly secondsOfWork: number;
  readonly after: number;
  /** From the end of the work. */
  readonly secondsToAfter: number;
}

const MAX_PODS = 4;
const EVALUATIONS = 24;
const SAMPLE_MS = 100;
const SHRINK_MS = 90_000;

/** Evaluations of a second each come at once upon one pod with one place; afterwards there is nothing to do. */
export async function growAndShrink(bench: Bench): Promise<Growth> {
  const executor = { minPods: 1, maxPods: MAX_PODS, parallelEvaluations: 1, timeToLive: '2s' };
  await configure(bench, configOf('misbehaving', executor));
  await evaluate(bench, 'misbehaving', inputs(bench, 1), 1);
  await settled(bench, 1);
  const before = await runningPods(bench);
  const start = performance.now();
  const state = { working: true };
  const growing = peakWhile(bench, start, state);
  await evaluate(bench, 'misbehaving', inputs(bench, EVALUATIONS, { milliseconds: '1000' }), EVALUATIONS);
  const ended = performance.now();
  state.working = false;
  const { most, secondsToMost } = await growing;
  const secondsOfWork = (ended - start) / 1000;
  await settled(bench, before);
  const secondsToAfter = (performance.now() - ended) / 1000;
  return { before, most, secondsToMost, secondsOfWork, after: await runningPods(bench), secondsToAfter };
}

async function peakWhile(bench: Bench, start: number, state: { readonly working: boolean }) {
  let peak = { most: 0, secondsToMost: 0 };
  while (state.working) {
    const most = await runningPods(bench);
    if (most > peak.most) peak = { most, secondsToMost: (performance.now() - start) / 1000 };
    await sleep(SAMPLE_MS);
  }
  return peak;
}

/** What the API server says. */
async function runningPods({ world }: Bench): Promise<number> {
  return (await world.pods()).filter(({ status }) => status?.phase === 'Running').length;
}

async function settled(bench: Bench, pods: number): Promise<void> {
  for (const deadline = performance.now() + SHRINK_MS; performance.now() < deadline; await sleep(SAMPLE_MS)) {
    if ((await runningPods(bench)) === pods) return;
  }
  throw new Error(`there are ${await runningPods(bench)} pods, not ${pods}, ${SHRINK_MS / 1000} s after the work`);
}
