import { Writable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { createLogger, type LoggerOptions, nullLogger } from '../../../src/observability/logger.ts';

function capture(options: Partial<LoggerOptions> = {}) {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const now = () => new Date('2026-01-02T03:04:05Z');
  const logger = createLogger({ level: 'info', format: 'json', stream, now, ...options });
  return { logger, lines: () => text.split('\n').slice(0, -1) };
}

test('a JSON line has time, level, message and fields', () => {
  const { logger, lines } = capture();
  logger.info('synced', { repository: 'blueprints', refs: 12 });
  expect(lines().map((line) => JSON.parse(line))).toEqual([
    { time: '2026-01-02T03:04:05.000Z', level: 'info', message: 'synced', repository: 'blueprints', refs: 12 },
  ]);
});

test('fields cannot take the place of time, level or message', () => {
  const { logger, lines } = capture();
  logger.info('real', { message: 'other', level: 'error' });
  expect(JSON.parse(lines()[0] ?? '')).toMatchObject({
    level: 'info',
    message: 'real',
    message_: 'other',
    level_: 'error',
  });
});

test('lines below the level are left out', () => {
  const { logger, lines } = capture({ level: 'warn' });
  logger.debug('a');
  logger.info('b');
  logger.warn('c');
  logger.error('d');
  expect(lines().map((line) => JSON.parse(line).message)).toEqual(['c', 'd']);
});

test('a child adds its fields and a line overrides them', () => {
  const { logger, lines } = capture();
  logger.child({ a: 1, b: 1 }).child({ c: 1 }).info('x', { b: 2 });
  expect(JSON.parse(lines()[0] ?? '')).toMatchObject({ a: 1, b: 2, c: 1 });
});

test.each(['json', 'plain'] as const)('secrets are taken out of messages, fields and errors: %s', (format) => {
  const { logger, lines } = capture({ format });
  const error = new Error('push to https://u:hunter2@h/ failed', { cause: new Error('Authorization: Bearer hunter2') });
  logger.child({ url: 'https://hunter2@h/' }).error('https://u:hunter2@h/', { password: 'hunter2', nested: { error } });
  expect(lines()).toHaveLength(1);
  expect(lines()[0]).not.toContain('hunter2');
  expect(lines()[0]).toContain('push to https://h/ failed');
});

test('a plain line is one line, with control characters escaped', () => {
  const { logger, lines } = capture({ format: 'plain' });
  logger.warn('two\nlines \u001b[31m', { file: 'a b.yaml', count: 2, list: ['x'], none: undefined });
  expect(lines()).toEqual([
    '2026-01-02T03:04:05.000Z WARN  two\\u000alines \\u001b[31m file="a b.yaml" count=2 list=["x"]',
  ]);
});

test('the null logger takes everything and writes nothing', () => {
  expect(() => nullLogger.child({ a: 1 }).error('x', { error: new Error('y') })).not.toThrow();
});

test('within a scope every logger of one root has its fields, across waiting', async () => {
  const { logger, lines } = capture();
  const other = logger.child({ component: 'git' });
  const work = (id: string) =>
    logger.child({ controller: 'c' }).scope({ reconcileID: id }, async () => {
      await Promise.resolve();
      other.info(`of ${id}`);
    });
  await Promise.all([work('1'), work('2')]);
  other.info('outside');
  const found = lines().map((line) => JSON.parse(line));
  expect(found.map(({ message, reconcileID }) => [message, reconcileID])).toEqual([
    ['of 1', '1'],
    ['of 2', '2'],
    ['outside', undefined],
  ]);
});

test('scopes nest, and the fields of a line win', () => {
  const { logger, lines } = capture();
  logger.scope({ a: 1, b: 1, c: 1 }, () => logger.scope({ b: 2 }, () => logger.info('x', { c: 3 })));
  expect(JSON.parse(lines()[0] ?? '')).toMatchObject({ a: 1, b: 2, c: 3 });
});
