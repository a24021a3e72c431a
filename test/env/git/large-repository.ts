import { spawn } from 'node:child_process';
import { BareRepository } from './bare-repository.ts';

/** Revisions of one package at most; larger repositories have more packages. */
const REVISIONS_A_PACKAGE = 50;

/** A commit in the language of `git fast-import`. */
interface ImportedCommit {
  readonly mark: number;
  readonly message: string;
  readonly files: readonly (readonly [path: string, text: string])[];
}

/**
 * A bare repository whose `main` was published to `count` times: each revision a commit and a tag of its own. As on a
 * server that is looked after, `git gc` has run: refs and objects are packed, and there is a commit graph. As on GitLab's, git
 * does not look for more refs in alternates, where it would find the same ones again when it checks what was pushed.
 */
export async function makeLargeRepository(path: string, count: number): Promise<BareRepository> {
  const repository = await BareRepository.create(path);
  const packages = Math.max(2, Math.ceil(count / REVISIONS_A_PACKAGE));
  const chunks: string[] = [importCommit({ mark: 1, message: 'seed', files: [['README.md', 'Packages\n']] })];
  for (let index = 0; index < count; index++) {
    const name = `package-${index % packages}`;
    const revision = Math.floor(index / packages) + 1;
    const mark = index + 2;
    chunks.push(importCommit({ mark, message: approvalMessage(name, revision), files: filesOf(name, revision) }));
    chunks.push(`reset refs/tags/${name}/v${revision}\nfrom :${mark}\n\n`);
  }
  await fastImport(path, chunks.join(''));
  await repository.git('gc', '--quiet');
  await repository.config('core.alternateRefsCommand', 'exit 0 #');
  return repository;
}

function approvalMessage(name: string, revision: number): string {
  const trailer = { package: name, workspaceName: `workspace-${revision}`, revision: String(revision) };
  return `Approving package revision ${name}/${revision}\n\nkpt:${JSON.stringify(trailer)}\n`;
}

function filesOf(name: string, revision: number): ImportedCommit['files'] {
  const kptfile = `apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: ${name}\n`;
  const settings = `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  revision: "${revision}"\n`;
  return [
    [`${name}/Kptfile`, kptfile],
    [`${name}/configmap.yaml`, settings],
  ];
}

function importCommit({ mark, message, files }: ImportedCommit): string {
  const data = (text: string) => `data ${Buffer.byteLength(text)}\n${text}\n`;
  return [
    `commit refs/heads/main\nmark :${mark}\ncommitter Seed <seed@example.com> 1700000000 +0000\n`,
    data(message),
    ...files.map(([path, text]) => `M 100644 inline ${path}\n${data(text)}`),
    '\n',
  ].join('');
}

async function fastImport(path: string, stream: string): Promise<void> {
  const child = spawn('git', ['-C', path, 'fast-import', '--quiet'], { stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end(stream);
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`git fast-import ended with ${code}`);
}
