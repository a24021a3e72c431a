// Makes two local git repositories from config/samples/quickstart, once, and runs Veranda on the sample's manifests.
// Usage: node scripts/quickstart.mjs [folder], by default .veranda/quickstart
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

const root = join(import.meta.dirname, '..');
const sample = join(root, 'config/samples/quickstart');
const place = resolve(process.argv[2] ?? join(root, '.veranda/quickstart'));
const remotes = join(place, 'remotes');
const manifests = join(place, 'manifests');
const workspace = join(place, 'workspace');
const blueprints = join(remotes, 'blueprints.git');
const deployments = join(remotes, 'deployments.git');

/** git without anything of the user's or the machine's configuration. */
function git(folder, ...args) {
  const env = {
    PATH: process.env.PATH,
    HOME: place,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'Quick start',
    GIT_AUTHOR_EMAIL: 'quickstart@example.com',
    GIT_COMMITTER_NAME: 'Quick start',
    GIT_COMMITTER_EMAIL: 'quickstart@example.com',
  };
  return execFileSync('git', ['-C', folder, ...args], { env, encoding: 'utf8' });
}

/** A bare repository whose branch main holds the content of `source`, with `tags`; it appears whole or not at all. */
function makeRemote(target, source, tags = []) {
  if (existsSync(target)) return;
  mkdirSync(remotes, { recursive: true });
  const work = mkdtempSync(join(place, 'making-'));
  if (source) cpSync(source, work, { recursive: true });
  git(work, 'init', '--quiet', '--initial-branch=main');
  git(work, 'add', '--all');
  git(work, 'commit', '--quiet', '--allow-empty', '--message', source ? 'Packages of the quick start' : 'Start');
  for (const tag of tags) git(work, 'tag', tag);
  const bare = `${work}.git`;
  git(place, 'clone', '--quiet', '--bare', work, bare);
  git(bare, 'remote', 'remove', 'origin');
  renameSync(bare, target);
  rmSync(work, { recursive: true });
}

function refsOf(folder) {
  return git(folder, 'for-each-ref', '--format=%(refname) %(objectname)');
}

function describe(before, after) {
  const here = (path) => relative(process.cwd(), path) || '.';
  const bare = here(deployments);
  const made = after.split('\n').filter((line) => line !== '' && !before.split('\n').includes(line));
  return [
    '',
    made.length > 0
      ? 'Changed in the deployment repository:'
      : 'Nothing has changed: everything was as the manifests say.',
    ...made.map((line) => `  ${line.split(' ')[0]}`),
    '',
    'Where it lies:',
    `  ${here(manifests)}   what was asked for`,
    `  ${here(blueprints)}   where packages come from`,
    `  ${bare}   what came out`,
    `  ${here(workspace)}   status and caches`,
    '',
    'How to look at it:',
    `  git -C ${bare} log --oneline --decorate main`,
    `  git -C ${bare} ls-tree -r --name-only main`,
    `  git -C ${bare} show main:storefront/deployment.yaml`,
    `  git clone ${bare} my-deployments`,
  ].join('\n');
}

mkdirSync(place, { recursive: true });
makeRemote(blueprints, join(sample, 'packages'), ['web-service/v1']);
makeRemote(deployments);
rmSync(manifests, { recursive: true, force: true });
cpSync(join(sample, 'manifests'), manifests, { recursive: true });

const before = refsOf(deployments);
const { status } = spawnSync(join(root, 'bin/veranda'), ['run', '-f', manifests, '--workspace', workspace], {
  stdio: 'inherit',
});
if (status === 0) console.log(describe(before, refsOf(deployments)));
process.exitCode = status ?? 1;
