import { describe, expect, test } from '@jest/globals';
import { directoriesOverlap, remoteIdentity } from '../../../src/repository/address.ts';

describe('one remote, however its address is spelt', () => {
  test.each([
    'https://git.example.com/team/shop',
    'https://git.example.com/team/shop.git',
    'https://git.example.com/team/shop.git/',
    'https://GIT.example.com//team/shop',
    'https://git.example.com:443/team/shop',
    'https://bot@git.example.com/team/shop',
    'http://git.example.com/team/shop',
    'ssh://git@git.example.com/team/shop.git',
    'ssh://git@git.example.com:22/team/shop.git',
    'git@git.example.com:team/shop.git',
    'git.example.com:team/shop',
    'git@git.example.com:/team/shop',
  ])('%s', (url) => {
    expect(remoteIdentity(url)).toBe('git.example.com/team/shop');
  });

  test.each([
    ['https://git.example.com/team/Shop', 'git.example.com/team/Shop'],
    ['https://git.example.com:8443/team/shop', 'git.example.com:8443/team/shop'],
    ['https://git.example.com/team/shop.git.d', 'git.example.com/team/shop.git.d'],
    ['/srv/git/shop.git', '/srv/git/shop'],
    ['file:///srv/git/shop', '/srv/git/shop'],
  ])('%s is another one', (url, identity) => {
    expect(remoteIdentity(url)).toBe(identity);
  });
});

test.each([
  ['', 'apps', true],
  ['apps', '/apps/', true],
  ['apps', 'apps/web', true],
  ['./apps', 'apps', true],
  ['apps', 'application', false],
  ['apps', 'infra', false],
])('directories %p and %p overlap: %p', (one, other, overlap) => {
  expect(directoriesOverlap(one, other)).toBe(overlap);
  expect(directoriesOverlap(other, one)).toBe(overlap);
});
