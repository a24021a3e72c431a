import { afterEach, expect, test } from '@jest/globals';
import { TransientError } from '../../../../src/api/errors.ts';
import { SecretWatches } from '../../../../src/cli/controller/secret-watch.ts';
import type { ApiRequest } from '../../../../src/kube/adapters/kubernetes/client.ts';
import { nullLogger } from '../../../../src/observability/logger.ts';
import { FakeClock, settled, until } from '../../kube/support.ts';

const SECRET = { namespace: 'default', name: 'auth' };
const open: SecretWatches[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((watches) => watches.close()));
});

/** A watch of the server: what it says is written by the test. */
interface Response {
  readonly request: ApiRequest;
  say(line: unknown): void;
  end(error?: unknown): void;
}

function start() {
  const clock = new FakeClock();
  const responses: Response[] = [];
  const client = {
    async *lines(request: ApiRequest): AsyncGenerator<unknown> {
      const lines: unknown[] = [];
      let news = Promise.withResolvers<void>();
      let ended = false;
      let failure: unknown;
      const tell = () => news.resolve();
      const end = (error?: unknown) => {
        ended = true;
        failure = error;
        tell();
      };
      request.signal?.addEventListener('abort', () => end(request.signal?.reason));
      responses.push({
        request,
        say: (line) => {
          lines.push(line);
          tell();
        },
        end,
      });
      while (!ended || lines.length > 0) {
        if (lines.length > 0) yield lines.shift();
        else {
          await news.promise;
          news = Promise.withResolvers();
        }
      }
      if (failure !== undefined) throw failure;
    },
  };
  const watches = new SecretWatches({ client, clock, random: () => 0, logger: nullLogger });
  open.push(watches);
  const told: string[] = [];
  watches.onChange(({ namespace, name }) => void told.push(`${namespace}/${name}`));
  const current = () => responses.at(-1) as Response;
  return { clock, responses, watches, told, current };
}

const event = (type: string, resourceVersion: string) => ({ type, object: { metadata: { resourceVersion } } });

test('a Secret is watched by its name, once for all that use it, and no longer than it is used', async () => {
  const { watches, responses } = start();
  watches.moved('default/a', undefined, SECRET);
  watches.moved('default/b', undefined, SECRET);
  await until(() => responses.length === 1);
  expect(responses[0]?.request).toMatchObject({
    path: '/api/v1/namespaces/default/secrets',
    query: { watch: true, fieldSelector: 'metadata.name=auth' },
  });
  watches.moved('default/a', SECRET, undefined);
  expect(responses[0]?.request.signal?.aborted).toBe(false);
  watches.moved('default/b', SECRET, { ...SECRET, name: 'other' });
  expect(responses[0]?.request.signal?.aborted).toBe(true);
  await until(() => responses.length === 2);
  expect(responses[1]?.request.query).toMatchObject({ fieldSelector: 'metadata.name=other' });
});

test('changes are told, and a new watch that begins with what is known is none', async () => {
  const { watches, told, current, clock, responses } = start();
  watches.moved('default/a', undefined, SECRET);
  await until(() => responses.length === 1);
  current().say(event('ADDED', '1'));
  current().say(event('MODIFIED', '2'));
  await until(() => told.length === 2);
  current().end();
  await settled();
  clock.advance(1_000);
  await until(() => responses.length === 2);
  current().say(event('ADDED', '2'));
  current().say(event('DELETED', '3'));
  await until(() => told.length === 3);
  expect(told).toEqual(['default/auth', 'default/auth', 'default/auth']);
});

test.each([
  ['Forbidden', 60_000],
  ['Unreachable', 1_000],
])('after %s it is tried again in %i ms', async (reason, pauseMs) => {
  const { watches, current, clock, responses } = start();
  watches.moved('default/a', undefined, SECRET);
  await until(() => responses.length === 1);
  current().end(new TransientError(reason, 'no'));
  await until(() => clock.next === pauseMs);
  clock.advance(pauseMs);
  await until(() => responses.length === 2);
});

test('failures in a row wait longer and longer, with an end to it', async () => {
  const { watches, current, clock, responses } = start();
  watches.moved('default/a', undefined, SECRET);
  const pauses: number[] = [];
  for (let failure = 1; failure <= 12; failure += 1) {
    await until(() => responses.length === failure);
    current().end(new TransientError('Unreachable', 'no'));
    await until(() => clock.next !== undefined);
    pauses.push(clock.next ?? 0);
    clock.advance(clock.next ?? 0);
  }
  expect(pauses.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
  expect(pauses.slice(-2)).toEqual([300_000, 300_000]);
});
