// Makes the git repositories that a sample's manifests name, once, runs Veranda on the manifests and tells what came out.
// Usage: node scripts/run-sample.mjs <sample> [folder]
//   sample  name of a folder in config/samples, or a path to one like them: manifests/, packages/ for the remote `blueprints`, and
//           perhaps upgrade/, a second revision of one of these that is published after the first run
//   folder  where everything is put, by default .veranda/<sample>
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import {
  askForRelease,
  describeUpgrade,
  isReleased,
  publishEdit,
  publishRelease,
  readUpgrade,
} from './sample-upgrade.mjs';

const root = join(import.meta.dirname, '..');
const [name, folder] = process.argv.slice(2);
if (name === undefined) {
  console.error('usage: node scripts/run-sample.mjs <sample> [folder]');
  process.exit(2);
}
const sample = name.includes('/') ? resolve(name) : join(root, 'config/samples', name);
const place = resolve(folder ?? join(root, '.veranda', basename(sample)));
const remotes = join(place, 'remotes');
const manifests = join(place, 'manifests');
const workspace = join(place, 'workspace');
const BLUEPRINTS = 'blueprints';

/** git without anything of the user's or the machine's configuration. */
function git(at, ...args) {
  const env = {
    PATH: process.env.PATH,
    HOME: place,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'Sample',
    GIT_AUTHOR_EMAIL: 'sample@example.com',
    GIT_COMMITTER_NAME: 'Sample',
    GIT_COMMITTER_EMAIL: 'sample@example.com',
  };
  return execFileSync('git', ['-C', at, ...args], { env, encoding: 'utf8' });
}

/** Names of the remotes that the sample's Repository objects want beside the manifests, and whether they are deployed from. */
function wantedRemotes() {
  const documents = readdirSync(join(sample, 'manifests'))
    .sort()
    .flatMap((file) => parseAllDocuments(readFileSync(join(sample, 'manifests', file), 'utf8')))
    .map((document) => document.toJS());
  return documents
    .filter((object) => object?.kind === 'Repository')
    .map(({ spec }) => ({ name: basename(spec.git.repo, '.git'), deployment: spec.deployment === true }));
}

/** A bare repository whose branch main holds the packages of `source`, each published as v1; it appears whole or not at all. */
function makeRemote(target, source) {
  if (existsSync(target)) return;
  mkdirSync(remotes, { recursive: true });
  const work = mkdtempSync(join(place, 'making-'));
  if (source) cpSync(source, work, { recursive: true });
  git(work, 'init', '--quiet', '--initial-branch=main');
  git(work, 'add', '--all');
  git(work, 'commit', '--quiet', '--allow-empty', '--message', source ? 'Packages of the sample' : 'Start');
  for (const pkg of source ? readdirSync(source) : []) git(work, 'tag', `${pkg}/v1`);
  const bare = `${work}.git`;
  git(place, 'clone', '--quiet', '--bare', work, bare);
  git(bare, 'remote', 'remove', 'origin');
  renameSync(bare, target);
  rmSync(work, { recursive: true });
}

function remoteFolder(remote) {
  return join(remotes, `${remote.name}.git`);
}

function refsOf(remote) {
  return git(remoteFolder(remote), 'for-each-ref', '--format=%(refname) %(objectname)').split('\n').filter(Boolean);
}

/** Short below the current folder, whole elsewhere. */
const here = (path) => {
  const short = relative(process.cwd(), path) || '.';
  return short.startsWith('..') ? path : short;
};
const shortRef = (line) => line.split(' ')[0].replace(/^refs\/(heads|tags)\//, '');

/** Published revisions and drafts that are new or moved, one line for each repository. */
function describeChanges(deployments, before) {
  const lines = deployments.flatMap((remote) => {
    const known = before.get(remote.name);
    const changed = refsOf(remote).filter((line) => !known.includes(line) && !line.startsWith('refs/heads/main '));
    return changed.length > 0 ? [`  ${remote.name}: ${changed.map(shortRef).join(', ')}`] : [];
  });
  return lines.length > 0
    ? ['New in the deployment repositories:', ...lines]
    : ['Nothing has changed: everything was as the manifests say.'];
}

function describePlaces() {
  return [
    'Where it lies:',
    `  ${here(manifests)}   what was asked for (a copy of ${here(join(sample, 'manifests'))})`,
    `  ${here(join(remotes, `${BLUEPRINTS}.git`))}   where packages come from`,
    `  ${here(remotes)}   what came out, a bare git repository for each Repository`,
    `  ${here(workspace)}   status and caches`,
  ];
}

/** Commands that work as they stand, on the first package that was published. */
function describeLooks(deployments) {
  const remote = deployments.find((candidate) => refsOf(candidate).some((line) => line.startsWith('refs/tags/')));
  if (!remote) return [];
  const bare = here(remoteFolder(remote));
  const tag = shortRef(refsOf(remote).findLast((line) => line.startsWith('refs/tags/')));
  const pkg = tag.slice(0, tag.lastIndexOf('/'));
  return [
    '',
    'How to look at it:',
    `  git -C ${bare} log --oneline --decorate main`,
    `  git -C ${bare} ls-tree -r --name-only ${tag}`,
    `  git -C ${bare} show ${tag}:${pkg}/deployment.yaml`,
    `  git clone ${bare} my-${remote.name}`,
  ];
}

mkdirSync(place, { recursive: true });
const wanted = wantedRemotes();
for (const remote of wanted) {
  makeRemote(remoteFolder(remote), remote.name === BLUEPRINTS ? join(sample, 'packages') : undefined);
}
rmSync(manifests, { recursive: true, force: true });
cpSync(join(sample, 'manifests'), manifests, { recursive: true });

const deployments = wanted.filter((remote) => remote.deployment);
const context = { git, place, remote: (name) => remoteFolder({ name }) };

/** Runs Veranda and tells what came out; false when it failed. */
function runVeranda() {
  const before = new Map(deployments.map((remote) => [remote.name, refsOf(remote)]));
  const { status } = spawnSync(join(root, 'bin/veranda'), ['run', '-f', manifests, '--workspace', workspace], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
  if (status === 0) console.log(['', ...describeChanges(deployments, before), ''].join('\n'));
  return status === 0;
}

/** The sample as it is, or after its upgrade when that has been carried out before. */
function runSample() {
  const upgrade = readUpgrade(sample);
  const released = upgrade !== undefined && isReleased(upgrade, context);
  if (released) askForRelease(upgrade, manifests);
  if (!runVeranda()) return false;
  if (!upgrade || released) return true;
  console.log(
    `Now ${upgrade.edit.repository} is edited by hand, and a second revision of ${upgrade.package} comes out.\n`,
  );
  publishEdit(upgrade, context);
  publishRelease(upgrade, sample, context);
  askForRelease(upgrade, manifests);
  if (!runVeranda()) return false;
  console.log([...describeUpgrade(upgrade, context, workspace), ''].join('\n'));
  return true;
}

if (runSample()) console.log([...describePlaces(), ...describeLooks(deployments)].join('\n'));
