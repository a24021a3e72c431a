// The second act of a sample: a local edit, a second revision of a blueprint, and what the upgrade made of both.
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

/** What `upgrade/upgrade.yaml` of a sample says, or undefined when the sample has no second act. */
export function readUpgrade(sample) {
  const file = join(sample, 'upgrade/upgrade.yaml');
  return existsSync(file) ? parse(readFileSync(file, 'utf8')) : undefined;
}

/** Whether the blueprint's second revision is out; it is published last, so that what was interrupted is taken up again. */
export function isReleased({ package: pkg }, { git, remote }) {
  return git(remote('blueprints'), 'tag', '--list', `${pkg}/v2`) !== '';
}

/** Publishes the local edit as the package's next revision, as a person does who works with git: commit, tag, push. */
export function publishEdit({ package: pkg, edit }, context) {
  const { git, remote } = context;
  if (git(remote(edit.repository), 'tag', '--list', `${pkg}/v2`) !== '') return;
  pushRevision(context, edit.repository, `${pkg}/v2`, `${edit.to} in ${edit.repository}`, (work) => {
    const file = join(work, edit.file);
    const before = readFileSync(file, 'utf8');
    if (!before.includes(edit.from)) throw new Error(`${edit.file} does not contain ${edit.from}`);
    writeFileSync(file, before.replace(edit.from, edit.to));
  });
}

/** Publishes the blueprint's second revision: the files of `upgrade/<package>` over those of the first. */
export function publishRelease({ package: pkg }, sample, context) {
  pushRevision(context, 'blueprints', `${pkg}/v2`, `Second revision of ${pkg}`, (work) => {
    cpSync(join(sample, 'upgrade', pkg), join(work, pkg), { recursive: true });
  });
}

function pushRevision({ git, remote, place }, repository, tag, message, change) {
  const work = mkdtempSync(join(place, 'making-'));
  git(place, 'clone', '--quiet', '--branch', 'main', remote(repository), work);
  change(work);
  git(work, 'add', '--all');
  git(work, 'commit', '--quiet', '--message', message);
  git(work, 'tag', tag);
  git(work, 'push', '--quiet', '--atomic', 'origin', 'main', tag);
  rmSync(work, { recursive: true });
}

/** Lets every variant of the package ask for its second revision. */
export function askForRelease({ package: pkg }, manifests) {
  for (const name of readdirSync(manifests)) {
    const file = join(manifests, name);
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, before.replaceAll(`package: ${pkg}\n    revision: 1\n`, `package: ${pkg}\n    revision: 2\n`));
  }
}

/** The edited package's merge as a diff, and each conflict with its three sides. */
export function describeUpgrade({ package: pkg, edit }, { git, remote }, workspace) {
  const at = remote(edit.repository);
  const paths = ['--', pkg, `:!${pkg}/Kptfile`];
  const diff = git(at, 'diff', '--unified=1', `${pkg}/v2`, `${pkg}/v3`, ...paths);
  return [
    `What the upgrade changed in ${edit.repository} (from ${pkg}/v2, edited by hand, to ${pkg}/v3):`,
    ...diff
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
    '',
    ...describeConflicts(readFileSync(join(workspace, '.veranda/status.yaml'), 'utf8')),
  ];
}

function describeConflicts(status) {
  const objects = parseAllDocuments(status).flatMap((document) => {
    const value = document.toJS();
    return value?.items ?? value?.objects ?? [value];
  });
  return objects.flatMap((object) =>
    (object?.status?.mergeConflicts ?? []).flatMap((conflict) => [
      `Conflict in ${object.metadata.name} (status.mergeConflicts; the event MergeConflict is the warning above):`,
      ...Object.entries(conflict).map(
        ([key, value]) => `  ${key}: ${typeof value === 'object' ? JSON.stringify(value) : value}`,
      ),
    ]),
  );
}
