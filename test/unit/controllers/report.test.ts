import { describe, expect, test } from '@jest/globals';
import { TerminalError, TransientError } from '../../../src/api/errors.ts';
import { REPOSITORY, type Repository } from '../../../src/api/kinds.ts';
import { ObjectReport } from '../../../src/controllers/report.ts';
import { EmbeddedStore } from '../../../src/kube/adapters/embedded/store.ts';
import type { Logger } from '../../../src/observability/logger.ts';
import { nullLogger } from '../../../src/observability/logger.ts';
import { repositoryOf } from './support.ts';

const FIELD = 'status.packageCount';

/** A store that refuses every status with a package count. */
async function bench() {
  const validate = (object: Repository): void => {
    if (object.status?.packageCount === undefined) return;
    throw new TerminalError('Invalid', 'must not be set', { field: FIELD });
  };
  const store = new EmbeddedStore({
    kinds: [{ kind: REPOSITORY, validate: (object) => validate(object as Repository) }],
  });
  const object = await store.create(repositoryOf('shop'), { fieldManager: 'test' });
  const events: { readonly reason: string; readonly message: string }[] = [];
  const lines: { readonly message: string; readonly fields: unknown }[] = [];
  const logger: Logger = { ...nullLogger, error: (message, fields) => void lines.push({ message, fields }) };
  const env = {
    store,
    logger,
    events: { record: (_: unknown, event: (typeof events)[number]) => void events.push(event) },
  };
  const report = new ObjectReport(env, object, { signal: new AbortController().signal, now: () => new Date() });
  return { store, object, events, lines, report };
}

describe('a status that the store refuses', () => {
  test('fails the reconcile and is told by an event and a log line, with the field', async () => {
    const { report, events, lines } = await bench();
    report.status({ packageCount: 7 });
    await expect(report.write()).rejects.toMatchObject({ reason: 'Invalid', location: { field: FIELD } });
    const message = `the status cannot be written: ${FIELD}: must not be set`;
    expect(events).toMatchObject([{ type: 'Warning', reason: 'StatusRefused', message }]);
    expect(lines).toMatchObject([
      { message: 'status refused', fields: { object: 'Repository default/shop', field: FIELD } },
    ]);
  });

  test('does not hide why the reconcile itself has failed', async () => {
    const { report, events } = await bench();
    const cause = new TransientError('Unreachable', 'no route');
    report.status({ packageCount: 7 });
    report.failed(cause);
    await expect(report.write()).rejects.toBe(cause);
    expect(events.map(({ reason }) => reason)).toEqual(['Unreachable', 'StatusRefused']);
  });
});

test('the status of an object that was deleted meanwhile is the fault of nobody', async () => {
  const { store, object, report, events, lines } = await bench();
  await store.delete(REPOSITORY, object.metadata);
  report.ready('Ready', 'fine');
  await expect(report.write()).rejects.toMatchObject({ reason: 'NotFound' });
  expect(events).toEqual([]);
  expect(lines).toEqual([]);
});
