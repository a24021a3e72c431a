import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type GitServer, startGitServer } from '../../env/git/git-server.ts';
import {
  type CliResult,
  configMap,
  type JsonReport,
  kptfile,
  readyOf,
  repositoryManifest,
  variantManifest,
  veranda,
  World,
} from './support.ts';

const SECRET = 'hunter2-correct-horse';
const GIT_ENVIRONMENT = {
  PATH: process.env.PATH,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'x',
  GIT_AUTHOR_EMAIL: 'x@example.com',
  GIT_COMMITTER_NAME: 'x',
  GIT_COMMITTER_EMAIL: 'x@example.com',
};
const DECLINED = 'policy 4711: no packages on Fridays';

let world: World;
let server: GitServer;
let result: CliResult;
let report: JsonReport;

beforeAll(async () => {
  world = await World.create();
  server = await startGitServer({
    root: world.path('remotes'),
    auth: { kind: 'basic', username: 'u', password: 'right' },
  });
  await makeRemotes();
  await writeManifests();
  result = await veranda(['run', '-f', '.', '--workspace', 'work', '-o', 'json'], { cwd: world.root });
  if (result.stdout === '') throw new Error(`no report: ${result.stderr}`);
  report = JSON.parse(result.stdout);
}, 120_000);

afterAll(async () => {
  await server.close();
  await world.remove();
});

async function makeRemotes(): Promise<void> {
  const packages = ['web', 'typo', 'unknown-function', 'needs-region', 'linked', 'bad-yaml'];
  await world.remote(
    'blueprints',
    {
      'web/Kptfile': kptfile('web'),
      'web/config.yaml': configMap('web'),
      'no-kptfile/config.yaml': configMap('x'),
      'typo/Kptfile': kptfile('typo', 'pipeline:\n  mutator:\n  - image: set-labels:v0.2.0\n'),
      'unknown-function/Kptfile': kptfile('u', 'pipeline:\n  mutators:\n  - image: example.com/fn/nobody-knows:v1\n'),
      'needs-region/Kptfile': kptfile('needs-region'),
      'needs-region/region.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: region\n  annotations:\n    kpt.dev/config-injection: required\n`,
      'linked/Kptfile': kptfile('linked'),
      'linked/outside': { mode: '120000', content: '../../etc/passwd' },
      'bad-yaml/Kptfile': kptfile(
        'bad-yaml',
        'pipeline:\n  mutators:\n  - image: set-labels:v0.2.0\n    configMap: {a: b}\n',
      ),
      'bad-yaml/broken.yaml': 'apiVersion: v1\nkind: [ConfigMap\n',
    },
    packages.map((name) => `${name}/v1`),
  );
  await world.remote('deployments', { 'README.md': 'x\n' });
  const refusing = await world.remote('refusing', { 'README.md': 'x\n' });
  await refusing.hook('pre-receive', `echo '${DECLINED}' >&2; exit 1`);
  await world.remote('private', { 'web/Kptfile': kptfile('web') }, ['web/v1']);
  await makeHostileTree('dots', '..');
  await makeHostileTree('dotgit', '.git');
}

/** A package with a folder that no git client would make. */
async function makeHostileTree(name: string, folder: string): Promise<void> {
  const repository = await world.remote(name, { 'README.md': 'x\n' });
  const plumb = (args: string[], input: string): string =>
    execFileSync('git', ['-C', repository.path, ...args], { input, encoding: 'utf8', env: GIT_ENVIRONMENT }).trim();
  const blob = plumb(['hash-object', '-w', '--stdin'], 'owned\n');
  const kpt = plumb(['hash-object', '-w', '--stdin'], kptfile('evil'));
  const inner = plumb(['mktree'], `100644 blob ${blob}\tx\n`);
  const pkg = plumb(['mktree'], `040000 tree ${inner}\t${folder}\n100644 blob ${kpt}\tKptfile\n`);
  const root = plumb(['mktree'], `040000 tree ${pkg}\tevil\n`);
  const commit = plumb(['commit-tree', '-m', 'x', root], '');
  await repository.git('update-ref', 'refs/tags/evil/v1', commit);
}

async function writeManifests(): Promise<void> {
  const files: Record<string, string> = {
    'repositories.yaml': [
      ...['blueprints', 'deployments', 'refusing', 'dots', 'dotgit'].map((name) => repositoryManifest(name)),
      repositoryManifest('no-branch', { repo: './remotes/blueprints.git', branch: 'nowhere', readOnly: true }),
      repositoryManifest('no-remote', { repo: './remotes/nothing.git' }),
      repositoryManifest('private', { repo: server.url('private.git'), secret: 'login' }),
      repositoryManifest('no-secret', { repo: server.url('private.git'), secret: 'nobody', readOnly: true }),
      `apiVersion: v1\nkind: Secret\nmetadata: {name: login}\nstringData: {username: u, password: ${SECRET}}\n`,
    ].join('---\n'),
    'hostile-urls.yaml': [
      repositoryManifest('ext', { repo: 'ext::sh -c "touch owned"' }),
      repositoryManifest('upload-pack', { repo: '-upload-pack=touch owned' }),
      repositoryManifest('upload-pack2', { repo: '--upload-pack=touch owned' }),
      repositoryManifest('user-info', { repo: `https://user:${SECRET}@git.invalid/x.git` }),
      repositoryManifest('scheme', { repo: 'gopher://git.invalid/x.git' }),
      repositoryManifest('by-file-url', { repo: `file://${world.path('remotes/blueprints.git')}`, readOnly: true }),
    ].join('---\n'),
    'good.yaml': `${variantManifest('good')}---\n${variantManifest('good-too')}`,
    'bad-documents.yaml': [
      variantManifest('between-bad-documents'),
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: tabs\n',
      'apiVersion: v1\nkind: [ConfigMap\n',
      '- just\n- a list\n',
      'kind: PackageVariant\nmetadata: {name: no-version}\n',
    ].join('---\n'),
    'not-text.yaml': '\u0000\u0001',
    'fields.yaml': [
      variantManifest('unknown-kind').replace('kind: PackageVariant', 'kind: PackageVarient'),
      variantManifest('old-version').replace('v1alpha1', 'v1alpha9'),
      `${variantManifest('two-faults', { spec: '  deletionPolcy: orphan\n  suspend: "yes"\n' })}`,
      variantManifest('with.dot'),
      variantManifest('own-tail', { downstream: 'blueprints/web' }),
      variantManifest('reserved-key', { spec: '  packageContext:\n    data:\n      name: x\n' }),
    ].join('---\n'),
    'other-group.yaml':
      'apiVersion: infra.example.com/v1\nkind: Cluster\nmetadata: {name: data-for-injection}\nspec: {unknown: field}\n',
    'variants.yaml': [
      variantManifest('no-repository', { upstream: 'nobody/web' }),
      variantManifest('from-no-branch', { upstream: 'no-branch/web' }),
      variantManifest('from-no-remote', { upstream: 'no-remote/web' }),
      variantManifest('from-private', { upstream: 'private/web' }),
      variantManifest('refused', { downstream: 'refusing/refused' }),
      variantManifest('no-kptfile', { upstream: 'blueprints/no-kptfile', workspace: 'main' }),
      variantManifest('typo', { upstream: 'blueprints/typo' }),
      variantManifest('unknown-function', { upstream: 'blueprints/unknown-function' }),
      variantManifest('dots', { upstream: 'dots/evil' }),
      variantManifest('dotgit', { upstream: 'dotgit/evil' }),
      variantManifest('linked', { upstream: 'blueprints/linked' }),
      variantManifest('bad-yaml', { upstream: 'blueprints/bad-yaml' }),
      variantManifest('no-revision', { workspace: 'v9' }),
      variantManifest('needs-region', {
        upstream: 'blueprints/needs-region',
        spec: '  injectors:\n  - name: nowhere\n',
      }),
      variantManifest('rival-a', { downstream: 'deployments/contested' }),
      variantManifest('rival-b', { downstream: 'deployments/contested' }),
    ].join('---\n'),
  };
  for (const [name, text] of Object.entries(files)) await world.write(name, text);
}

function faultsOf(file: string): string[] {
  return report.errors
    .filter((error) => error.file?.endsWith(`/${file}`))
    .map(({ line, object, field, message }) => [line, object, field, message].filter(Boolean).join(' | '));
}

const ready = (name: string, kind = 'PackageVariant') => readyOf(report, kind, name);

test('what is right is done in spite of everything beside it', () => {
  for (const name of ['good', 'good-too', 'between-bad-documents']) {
    expect(`${name}: ${ready(name)}`).toMatch(/: True UpToDate/);
  }
  expect(ready('by-file-url', 'Repository')).toMatch(/^True /);
});

test('the exit code tells that not everything is Ready, and so does the report', () => {
  expect(result.code).toBe(1);
  expect(report.ready).toBe(false);
});

describe('manifests', () => {
  test('every bad document of a file is told with its line', () => {
    expect(faultsOf('bad-documents.yaml')).toEqual([
      expect.stringMatching(/^13 \| tab characters/),
      expect.stringMatching(/^17 \| /),
      expect.stringMatching(/^18 \| not a Kubernetes object/),
      '21 | PackageVariant default/no-version | apiVersion | is required',
    ]);
    expect(faultsOf('not-text.yaml')).toEqual([expect.stringMatching(/^1 \| /)]);
  });

  test('an unknown kind of our groups is no data, and the right one is named', () => {
    expect(faultsOf('fields.yaml')[0]).toMatch(
      /^2 \| PackageVarient default\/unknown-kind \| kind \| .*did you mean PackageVariant\?/,
    );
    expect(faultsOf('fields.yaml')[1]).toMatch(
      /^10 \| .* \| apiVersion \| PackageVariant is served as config.porch.kpt.dev\/v1alpha1 only/,
    );
  });

  test('all faults of one object are told, each with its own line', () => {
    expect(faultsOf('fields.yaml').filter((fault) => fault.includes('two-faults'))).toEqual([
      '28 | PackageVariant default/two-faults | spec.suspend | must be a boolean, not a string',
      '27 | PackageVariant default/two-faults | spec.deletionPolcy | unknown field; did you mean deletionPolicy?',
    ]);
  });

  test.each([
    ['with.dot', 'metadata.name', /must not contain a dot/],
    ['own-tail', 'spec.downstream', /must not be the upstream package itself/],
    ['reserved-key', 'spec.packageContext.data.name', /belong to the service/],
  ])('the rule that %s breaks is told at %s', (name, field, message) => {
    const [fault] = report.errors.filter((error) => error.object === `PackageVariant default/${name}`);
    expect(fault).toMatchObject({ field, message: expect.stringMatching(message), line: expect.any(Number) });
  });

  test('objects of other groups are data', () => {
    expect(faultsOf('other-group.yaml')).toEqual([]);
  });
});

describe('addresses of repositories', () => {
  test.each(['ext', 'upload-pack', 'upload-pack2'])('%s is refused where it stands', (name) => {
    const [fault] = report.errors.filter((error) => error.object === `Repository default/${name}`);
    expect(fault).toMatchObject({
      field: 'spec.git.repo',
      message: 'this is not the address of a git repository',
      file: world.path('hostile-urls.yaml'),
    });
  });

  test('credentials in a URL are refused with a word on where they belong', () => {
    const [fault] = report.errors.filter((error) => error.object === 'Repository default/user-info');
    expect(fault).toMatchObject({ field: 'spec.git.repo', message: expect.stringMatching(/secretRef/) });
  });

  test('a scheme that we do not talk', () => {
    expect(ready('scheme', 'Repository')).toMatch(
      /^False InvalidURL: spec\.git\.repo: .*the scheme gopher is not allowed/,
    );
  });

  test('nothing that an address asks for was run', async () => {
    await expect(world.contents('owned')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(world.contents('work/owned')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('repositories', () => {
  test.each([
    ['no-branch', /^False BranchNotFound: spec.git.branch: branch nowhere does not exist/],
    ['no-remote', /^False NotFound: there is no git repository at .*nothing\.git/],
    ['private', /^False AuthFailed: .* refused the credentials of Secret login/],
    ['no-secret', /^False SecretNotFound: Secret nobody does not exist/],
    ['dots', /^False HostileContent: .*dots\.git holds an object .*object [0-9a-f]{40}: .*contains '\.\.'/],
    ['dotgit', /^False HostileContent: .*dotgit\.git holds an object .*object [0-9a-f]{40}: .*contains '\.git'/],
  ])('%s says what is wrong', (name, wanted) => {
    expect(ready(name, 'Repository')).toMatch(wanted);
  });
});

describe('variants', () => {
  test.each([
    ['no-repository', /^False RepositoryNotFound: Repository nobody does not exist/],
    ['from-no-branch', /^False RepositoryNotReady: Repository no-branch is not ready: .*branch nowhere does not exist/],
    ['from-no-remote', /^False RepositoryNotReady: Repository no-remote is not ready: there is no git repository/],
    [
      'from-private',
      /^False RepositoryNotReady: Repository private is not ready: .* refused the credentials of Secret login/,
    ],
    ['refused', /^False PushRejected: .*refused the push: .*policy 4711: no packages on Fridays/],
    ['no-kptfile', /^False UpstreamNotFound: .*package no-kptfile of Repository blueprints does not exist/],
    [
      'typo',
      /^False UpstreamUnreadable: .*Kptfile:6: pipeline\.mutator: unknown field "mutator"; did you mean mutators\?/,
    ],
    ['unknown-function', /^False \w+: Kptfile: pipeline\.mutators\[0\]: .*"example\.com\/fn\/nobody-knows:v1"/],
    ['dots', /^False RepositoryNotReady: .*contains '\.\.'/],
    ['dotgit', /^False RepositoryNotReady: .*contains '\.git'/],
    ['linked', /^False UpstreamUnreadable: .*link "outside" -> "\.\.\/\.\.\/etc\/passwd" leads out of the package/],
    ['bad-yaml', /^False InvalidYaml: broken\.yaml:\d+: /],
    ['no-revision', /^False UpstreamNotFound: spec\.upstream\.workspaceName: .* has no workspace v9; it has main, v1/],
    ['rival-a', /^True /],
    ['rival-b', /^False DownstreamConflict: PackageVariant rival-a writes to the same downstream package/],
  ])('%s says what is wrong', (name, wanted) => {
    expect(ready(name)).toMatch(wanted);
  });

  test('a draft without a required injection stays a draft and says what is missing', () => {
    expect(ready('needs-region')).toMatch(
      /^False InjectionMissing: .*required by the package and not injected: ConfigMap\.region/,
    );
    expect(report.warnings).toContainEqual({
      object: 'PackageVariant default/needs-region',
      reason: expect.any(String),
      message: expect.stringMatching(/not injected: ConfigMap\.region/),
    });
  });
});

test('warnings are told with their object', () => {
  expect(result.stderr).toMatch(/^warning: Repository default\/no-branch: BranchNotFound: /m);
  expect(result.stderr).toMatch(/^warning: PackageRevision default\/blueprints\.typo\.v1: InvalidKptfile: /m);
});

test('no secret is printed or kept', async () => {
  expect(result.stdout).not.toContain(SECRET);
  expect(result.stderr).not.toContain(SECRET);
  const kept = await world.contents('work/.veranda');
  expect(kept).toContain('[core]');
  expect(kept).not.toContain(SECRET);
  expect(kept).not.toContain(Buffer.from(`u:${SECRET}`).toString('base64'));
});

test('nothing hostile got out of its package or repository', () => {
  const deployments = world.path('remotes/deployments.git');
  const head = execFileSync('git', ['-C', deployments, 'ls-tree', '-r', '--name-only', 'main'], { encoding: 'utf8' });
  expect(head).toBe(
    [
      'README.md',
      ...['between-bad-documents', 'contested', 'good-too', 'good'].flatMap((name) => [
        `${name}/Kptfile`,
        `${name}/config.yaml`,
      ]),
    ]
      .map((path) => `${path}\n`)
      .join(''),
  );
});
