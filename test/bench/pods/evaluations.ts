import { FUNCTION_CONFIG, type FunctionConfig } from '../../../src/api/kinds.ts';
import type { PodWorld } from '../../e2e/pods/world.ts';
import type { SeededRandom } from '../support/random.ts';
import { percentile, type SubjectProcess } from '../support/subject-process.ts';
import { digestOf, type Input, inNamespace, makeInput } from './inputs.ts';
import type { Request } from './subject.ts';

export interface Bench {
  readonly world: PodWorld;
  readonly subject: SubjectProcess<Request>;
  readonly random: SeededRandom;
}

export type PodExecutor = NonNullable<FunctionConfig['spec']['podExecutor']>;

/** Milliseconds, sorted. */
export interface Times {
  readonly what: string;
  readonly sorted: readonly number[];
}

const ITEMS = 10;
const ITEM_BYTES = 300;
const SLEEP = { milliseconds: '5' };
const LARGE_BYTES = 8_000_000;
const AT_ONCE = 16;

export function configOf(image: string, podExecutor: PodExecutor): FunctionConfig {
  const { apiVersion, kind } = FUNCTION_CONFIG;
  return {
    apiVersion,
    kind,
    metadata: { name: image },
    spec: { image, podExecutor: { cache: false, ...podExecutor } },
  };
}

/** From no pod to the result: the first time with the pull of the image, then with pods of other settings each time. */
export async function coldStarts(bench: Bench, rounds: number): Promise<readonly Times[]> {
  const config = (round: number) =>
    configOf('misbehaving', { templateOverrides: { container: { env: [{ name: 'ROUND', value: String(round) }] } } });
  const times: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    await configure(bench, config(round));
    times.push(await evaluateOne(bench, 'misbehaving', small(bench, SLEEP)));
  }
  const [first = 0, ...later] = times;
  return [timesOf('cold start, image not on the node', [first]), timesOf('cold start, image on the node', later)];
}

/** One after the other in a pod that is there. */
export async function warmEvaluations(bench: Bench, count: number): Promise<Times> {
  await configure(bench, configOf('misbehaving', {}));
  await evaluateOne(bench, 'misbehaving', small(bench, SLEEP));
  const times: number[] = [];
  for (let at = 0; at < count; at += 1) times.push(await evaluateOne(bench, 'misbehaving', small(bench, SLEEP)));
  return timesOf('warm, function of 5 ms', times);
}

/** The function of the catalogue, whose work is checked. */
export async function warmCatalogue(bench: Bench, count: number): Promise<Times> {
  await configure(bench, configOf('set-namespace', {}));
  const times: number[] = [];
  for (let at = 0; at <= count; at += 1) {
    const namespace = bench.random.word();
    const input = small(bench, { namespace });
    times.push(await evaluateOne(bench, 'set-namespace', input, digestOf(inNamespace(input, namespace))));
  }
  return timesOf('warm, set-namespace', times.slice(1));
}

export interface Throughput {
  readonly evaluations: number;
  readonly seconds: number;
}

/** Sixteen callers that never wait for each other, on four pods of four places. */
export async function throughput(bench: Bench, evaluations: number): Promise<Throughput> {
  await configure(bench, configOf('misbehaving', { maxPods: 4, parallelEvaluations: 4, preferredMaxQueueLength: 1 }));
  await evaluate(bench, 'misbehaving', inputs(bench, AT_ONCE), AT_ONCE);
  const milliseconds = await evaluate(bench, 'misbehaving', inputs(bench, evaluations), AT_ONCE);
  return { evaluations, seconds: milliseconds / 1000 };
}

/** There and back, every byte of it. */
export async function largeLists(bench: Bench, count: number): Promise<Times> {
  await configure(bench, configOf('misbehaving', { resources: { limits: { memory: '512Mi' } } }));
  await evaluateOne(bench, 'misbehaving', small(bench, SLEEP));
  const times: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const input = makeInput(bench.random, 80, LARGE_BYTES / 80, SLEEP);
    times.push(await evaluateOne(bench, 'misbehaving', input));
  }
  return timesOf('warm, ResourceList of 8 MB', times);
}

export async function configure({ subject }: Bench, ...configs: readonly FunctionConfig[]): Promise<void> {
  await subject.ask({ kind: 'configure', configs });
}

export function inputs(bench: Bench, count: number, config: Input['functionConfig'] = SLEEP): readonly Input[] {
  return Array.from({ length: count }, () => small(bench, config));
}

/** @returns milliseconds until all have ended. @throws Error when a function that changes nothing gives back something else */
export async function evaluate(
  { subject, world }: Bench,
  image: string,
  given: readonly Input[],
  atOnce: number,
  expected: readonly string[] = given.map(({ items }) => digestOf(items)),
): Promise<number> {
  const [reference = ''] = world.image(image).resolved.split('@');
  const { value, ms } = await subject.ask({ kind: 'evaluate', image: reference, inputs: given, atOnce });
  if (JSON.stringify(value) !== JSON.stringify(expected)) throw new Error(`${image} gave back something else`);
  return ms;
}

async function evaluateOne(bench: Bench, image: string, input: Input, expected?: string): Promise<number> {
  return await evaluate(bench, image, [input], 1, expected === undefined ? undefined : [expected]);
}

function small({ random }: Bench, config: Input['functionConfig']): Input {
  return makeInput(random, ITEMS, ITEM_BYTES, config);
}

function timesOf(what: string, times: readonly number[]): Times {
  return { what, sorted: times.toSorted((a, b) => a - b) };
}

export function percentiles({ sorted }: Times): { readonly p50: number; readonly p95: number } {
  return { p50: percentile(sorted, 50), p95: percentile(sorted, 95) };
}
