import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Mirrors } from '../../../src/registry/mirrors.ts';
import { apiRoot, formatLocation, isLoopback, parseLocation } from '../../../src/registry/reference.ts';

const D = `sha256:${'a'.repeat(64)}`;

describe('image references', () => {
  test.each([
    ['alpine', 'docker.io/library/alpine:latest'],
    ['team/app:v1', 'docker.io/team/app:v1'],
    ['index.docker.io/library/alpine:3', 'docker.io/library/alpine:3'],
    ['localhost/app', 'localhost/app:latest'],
    ['127.0.0.1:5000/a/b:v1', '127.0.0.1:5000/a/b:v1'],
    ['[::1]:5000/a:v1', '[::1]:5000/a:v1'],
    ['Registry.Example.com/a/b', 'registry.example.com/a/b:latest'],
    ['oci://registry.example.com/a/b:v1', 'registry.example.com/a/b:v1'],
    [`registry.example.com/a@${D}`, `registry.example.com/a@${D}`],
    [`registry.example.com/a:v1@${D}`, `registry.example.com/a:v1@${D}`],
  ])('%s is %s', (text, expected) => {
    expect(formatLocation(parseLocation(text))).toBe(expected);
  });

  test.each([
    '',
    ':v1',
    'a//b',
    'a/',
    'registry.example.com/Upper',
    'registry.example.com/a:',
    'registry.example.com/a:b c',
    `registry.example.com/a@${D}0`,
    'registry.example.com/a@md5:00',
    `registry.example.com/a@${D}@${D}`,
    'registry.example.com/../v2/x',
    'user:pass@registry.example.com/a',
    'http://registry.example.com/a',
    `registry.example.com/${'a'.repeat(300)}`,
  ])('%j is none', (text) => {
    expect(() => parseLocation(text)).toThrow(
      expect.objectContaining({ reason: 'InvalidReference', retry: 'terminal' }),
    );
  });

  test('what is written out reads the same again', () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,8}(?:[._-][a-z0-9]{1,8})?$/);
    const host = fc.stringMatching(/^[a-z0-9]{1,8}\.[a-z]{2,5}(?::[1-9][0-9]{0,3})?$/);
    const location = fc.record(
      {
        host,
        repository: fc.array(part, { minLength: 2, maxLength: 4 }).map((parts) => parts.join('/')),
        tag: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/),
      },
      { requiredKeys: ['host', 'repository', 'tag'] },
    );
    fc.assert(
      fc.property(location, (given) => {
        expect(parseLocation(formatLocation(given))).toEqual(given);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['localhost', true],
    ['localhost:5000', true],
    ['127.8.9.1:80', true],
    ['[::1]', true],
    ['localhost.example.com', false],
    ['127.0.0.1.example.com', false],
    ['10.0.0.1', false],
  ])('%s is this machine: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });

  test("Docker Hub's API lies on another host", () => {
    expect(apiRoot('docker.io', true)).toBe('https://registry-1.docker.io/v2/');
  });
});

describe('mirrors', () => {
  const mirrors = new Mirrors([
    { prefix: 'docker.io', mirrors: ['m1.example.com/hub', 'm2.example.com'] },
    { prefix: 'ghcr.io', rewrite: 'mirror.example.com:5000/ghcr' },
    { prefix: 'ghcr.io/kptdev/fns', rewrite: 'fns.example.com' },
  ]);
  const shown = (text: string) => formatLocation(mirrors.rewritten(parseLocation(text)));

  test('the longest prefix by whole parts is rewritten', () => {
    expect(shown('ghcr.io/kptdev/fns/set:v1')).toBe('fns.example.com/set:v1');
    expect(shown('ghcr.io/kptdev/fnsx/set:v1')).toBe('mirror.example.com:5000/ghcr/kptdev/fnsx/set:v1');
    expect(shown('other.example.com/a:v1')).toBe('other.example.com/a:v1');
  });

  test('mirrors are asked in their order, the place itself last', () => {
    expect(mirrors.sources(parseLocation('alpine:3')).map(formatLocation)).toEqual([
      'm1.example.com/hub/library/alpine:3',
      'm2.example.com/library/alpine:3',
      'docker.io/library/alpine:3',
    ]);
  });

  test('a rule that names no registry is refused', () => {
    expect(() => new Mirrors([{ prefix: 'library' }])).toThrow(expect.objectContaining({ reason: 'InvalidReference' }));
  });
});
