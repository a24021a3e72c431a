import { expect, test } from '@jest/globals';
import { SingleFlight } from '../../../src/concurrency/single-flight.ts';

const never = new AbortController().signal;

function counted() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const work = {
    runs: 0,
    signal: undefined as AbortSignal | undefined,
    run: (signal: AbortSignal) => {
      work.runs++;
      work.signal = signal;
      return promise;
    },
    resolve,
    reject,
  };
  return work;
}

test('concurrent callers share one run, and the next one starts anew', async () => {
  const flights = new SingleFlight<string, string>();
  const work = counted();
  const callers = [1, 2, 3].map(() => flights.run('k', work.run, never));
  work.resolve('x');
  await expect(Promise.all(callers)).resolves.toEqual(['x', 'x', 'x']);
  expect(work.runs).toBe(1);
  expect(flights.size).toBe(0);
  await flights.run('k', work.run, never);
  expect(work.runs).toBe(2);
});

test('keys are independent', async () => {
  const flights = new SingleFlight<string, string>();
  const results = ['a', 'b'].map((key) => flights.run(key, async () => key, never));
  await expect(Promise.all(results)).resolves.toEqual(['a', 'b']);
});

test('a failure reaches every caller and is forgotten', async () => {
  const flights = new SingleFlight<string, string>();
  const error = new Error('x');
  const fail = () => {
    throw error;
  };
  const callers = [1, 2].map(() => flights.run('k', fail, never));
  for (const outcome of await Promise.allSettled(callers))
    expect(outcome).toEqual({ status: 'rejected', reason: error });
  await expect(flights.run('k', async () => 'fine', never)).resolves.toBe('fine');
});

test('an abort detaches its caller only', async () => {
  const flights = new SingleFlight<string, string>();
  const work = counted();
  const controller = new AbortController();
  const leaves = flights.run('k', work.run, controller.signal);
  const stays = flights.run('k', work.run, never);
  controller.abort('stop');
  await expect(leaves).rejects.toBe('stop');
  expect(work.signal?.aborted).toBe(false);
  work.resolve('x');
  await expect(stays).resolves.toBe('x');
  expect(work.signal?.aborted).toBe(false);
});

test('the run is aborted when all have left, and a newcomer starts a new one', async () => {
  const flights = new SingleFlight<string, string>();
  const given = counted();
  const controllers = [new AbortController(), new AbortController()];
  const callers = controllers.map((controller) => flights.run('k', given.run, controller.signal));
  for (const controller of controllers) controller.abort('stop');
  await Promise.allSettled(callers);
  expect(given.signal?.aborted).toBe(true);
  expect(flights.size).toBe(0);
  const fresh = flights.run('k', async () => 'fresh', never);
  given.reject(new Error('aborted late'));
  await expect(fresh).resolves.toBe('fresh');
});

test('a caller that is aborted already starts nothing', async () => {
  const flights = new SingleFlight<string, string>();
  const work = counted();
  await expect(flights.run('k', work.run, AbortSignal.abort('stop'))).rejects.toBe('stop');
  expect(work.runs).toBe(0);
});
