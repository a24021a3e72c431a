import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Content of one commit: path to text or bytes, or to `{ mode, content }`. */
export type SeedFiles = Readonly<Record<string, string | Uint8Array | SeedFile>>;

export interface SeedFile {
  readonly mode: '100644' | '100755' | '120000' | '160000';
  readonly content: string | Uint8Array;
}

/** A bare repository on disk that plays the remote. All methods run the git binary on it. */
export class BareRepository {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** An empty repository that accepts pushes over HTTP. */
  static async create(path: string): Promise<BareRepository> {
    await mkdir(dirname(path), { recursive: true });
    await run('git', ['init', '-q', '--bare', '--initial-branch=main', path], { env: ENVIRONMENT });
    const repository = new BareRepository(path);
    await repository.config('http.receivepack', 'true');
    await repository.config('gc.auto', '0');
    return repository;
  }

  /** A repository whose `main` holds a folder's files below `prefix`. */
  static async fromDirectory(path: string, folder: string, prefix = ''): Promise<BareRepository> {
    const repository = await BareRepository.create(path);
    await repository.commit('main', await readFolder(folder, prefix));
    return repository;
  }

  async git(...args: string[]): Promise<string> {
    const { stdout } = await run('git', ['-C', this.path, ...args], { env: ENVIRONMENT, maxBuffer: 1 << 28 });
    return stdout.trim();
  }

  config(key: string, value: string): Promise<string> {
    return this.git('config', key, value);
  }

  /** Adds a commit with exactly `files` to a branch (made when missing) and returns its id. */
  async commit(branch: string, files: SeedFiles, message = 'seed'): Promise<string> {
    const ref = branch.startsWith('refs/') ? branch : `refs/heads/${branch}`;
    const parent = (await this.refs()).get(ref);
    const chunks = [
      `commit ${ref}\ncommitter Seed <seed@example.com> 1700000000 +0000\ndata ${Buffer.byteLength(message)}\n${message}\n`,
      parent === undefined ? '' : `from ${parent}\n`,
      'deleteall\n',
      ...Object.entries(files).flatMap(([path, file]) => fileCommand(path, file)),
    ];
    await this.#fastImport(Buffer.concat(chunks.map((chunk) => Buffer.from(chunk))));
    return this.git('rev-parse', ref);
  }

  async #fastImport(stream: Buffer): Promise<void> {
    const child = run('git', ['-C', this.path, 'fast-import', '--quiet', '--force'], { env: ENVIRONMENT });
    child.child.stdin?.end(stream);
    await child;
  }

  async refs(): Promise<Map<string, string>> {
    const text = await this.git('for-each-ref', '--format=%(refname) %(objectname)');
    const lines = text.split('\n').filter((line) => line !== '');
    return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)]));
  }

  /** @throws when the repository is not sound in every detail */
  async fsck(): Promise<void> {
    await this.git('fsck', '--strict');
  }

  /** A hook written in sh, run by the server side of a push. */
  async hook(name: 'pre-receive' | 'update' | 'post-receive', script: string): Promise<void> {
    const path = join(this.path, 'hooks', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
  }
}

const ENVIRONMENT = {
  PATH: process.env.PATH,
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
};

function fileCommand(path: string, file: string | Uint8Array | SeedFile): (string | Uint8Array)[] {
  const { mode, content } =
    typeof file === 'string' || file instanceof Uint8Array ? { mode: '100644', content: file } : file;
  if (mode === '160000') return [`M 160000 ${content} ${JSON.stringify(path)}\n`];
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return [`M ${mode} inline ${quotePath(path)}\ndata ${bytes.byteLength}\n`, bytes, '\n'];
}

/** fast-import reads C-style quotes; other bytes go as they are. */
function quotePath(path: string): string {
  return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

async function readFolder(folder: string, prefix: string): Promise<SeedFiles> {
  const files: Record<string, SeedFile> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const { mode } = await stat(path);
    files[join(prefix, relative(folder, path))] = {
      mode: (mode & 0o100) === 0 ? '100644' : '100755',
      content: await readFile(path),
    };
  }
  return files;
}
