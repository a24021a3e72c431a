import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BareRepository, type SeedFiles } from '../../env/git/bare-repository.ts';

const MAIN = join(import.meta.dirname, '../../../src/main.ts');

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `-o json` prints, as far as tests look at it. */
export interface JsonReport {
  readonly ready: boolean;
  readonly items: readonly JsonObject[];
  readonly errors: readonly {
    readonly object?: string;
    readonly file?: string;
    readonly line?: number;
    readonly field?: string;
    readonly message: string;
  }[];
  readonly warnings: readonly { readonly object: string; readonly reason: string; readonly message: string }[];
}

interface JsonObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
      readonly message: string;
    }[];
  };
}

/** The command as a process of its own, with nothing of this process's environment but PATH. */
export class CliProcess {
  readonly child: ChildProcess;
  readonly #chunks = { stdout: '', stderr: '' };
  readonly #watchers = new Set<() => void>();
  readonly result: Promise<CliResult>;

  constructor(args: readonly string[], options: { readonly cwd: string; readonly env?: Record<string, string> }) {
    this.child = spawn(process.execPath, [MAIN, ...args], {
      cwd: options.cwd,
      env: { PATH: process.env.PATH ?? '', HOME: options.cwd, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const name of ['stdout', 'stderr'] as const) {
      this.child[name]?.setEncoding('utf8').on('data', (text: string) => {
        this.#chunks[name] += text;
        for (const watcher of this.#watchers) watcher();
      });
    }
    const { promise, resolve, reject } = Promise.withResolvers<CliResult>();
    this.child.on('error', reject);
    this.child.on('close', (code) => resolve({ code, ...this.#chunks }));
    this.result = promise;
  }

  get stdout(): string {
    return this.#chunks.stdout;
  }

  get stderr(): string {
    return this.#chunks.stderr;
  }

  /** Waits until the output is as the predicate wants it; fails when the process ends before. */
  async until(predicate: (output: { readonly stdout: string; readonly stderr: string }) => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const watcher = (): void => {
      if (predicate(this.#chunks)) resolve();
    };
    this.#watchers.add(watcher);
    watcher();
    const ended = this.result.then(({ code, stderr }) => {
      throw new Error(`the process ended with ${code} before its output was as expected:\n${stderr}`);
    });
    ended.catch(() => undefined);
    await Promise.race([promise, ended]);
    this.#watchers.delete(watcher);
  }
}

export function veranda(
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: Record<string, string> },
): Promise<CliResult> {
  return new CliProcess(args, options).result;
}

/** A folder with remotes and manifests, gone after the test. */
export class World {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  static async create(): Promise<World> {
    return new World(await mkdtemp(join(tmpdir(), 'veranda-cli-')));
  }

  path(...parts: readonly string[]): string {
    return join(this.root, ...parts);
  }

  /** A bare repository at `<root>/remotes/<name>.git`, with files on `main` and tags on its commit. */
  async remote(name: string, files: SeedFiles, tags: readonly string[] = []): Promise<BareRepository> {
    const repository = await BareRepository.create(this.path('remotes', `${name}.git`));
    await repository.commit('main', files);
    for (const tag of tags) await repository.git('tag', tag, 'main');
    return repository;
  }

  async write(name: string, text: string): Promise<string> {
    const file = this.path(name);
    await writeFile(file, text);
    return file;
  }

  /** Every file below a folder, as text. */
  async contents(folder: string): Promise<string> {
    const entries = await readdir(this.path(folder), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    return (await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), 'latin1')))).join('\n');
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}

export function kptfile(name: string, rest = ''): string {
  return `apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: ${name}\n${rest}`;
}

export function configMap(name: string, data = 'key: value'): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  ${data}\n`;
}

export interface RepositorySettings {
  readonly repo?: string;
  readonly branch?: string;
  readonly secret?: string;
  readonly readOnly?: boolean;
}

export function repositoryManifest(name: string, { repo, branch, secret, readOnly }: RepositorySettings = {}): string {
  return [
    'apiVersion: config.porch.kpt.dev/v1alpha1',
    'kind: Repository',
    `metadata: {name: ${name}${readOnly ? ', annotations: {veranda.dev/read-only: "true"}' : ''}}`,
    'spec:',
    '  git:',
    `    repo: ${JSON.stringify(repo ?? `./remotes/${name}.git`)}`,
    ...(branch === undefined ? [] : [`    branch: ${branch}`]),
    ...(secret === undefined ? [] : [`    secretRef: {name: ${secret}}`]),
    '',
  ].join('\n');
}

export interface VariantSettings {
  readonly upstream?: string;
  readonly downstream?: string;
  readonly workspace?: string;
  readonly spec?: string;
}

/** A variant that is published by policy; its ends are `<repository>/<package>`. */
export function variantManifest(name: string, settings: VariantSettings = {}): string {
  const { upstream = 'blueprints/web', downstream = `deployments/${name}`, workspace = 'v1', spec = '' } = settings;
  const [upstreamRepo, upstreamPackage] = upstream.split('/');
  const [downstreamRepo, downstreamPackage] = downstream.split('/');
  return `apiVersion: config.porch.kpt.dev/v1alpha1
kind: PackageVariant
metadata:
  name: ${name}
spec:
  upstream: {repo: ${upstreamRepo}, package: ${upstreamPackage}, workspaceName: ${workspace}}
  downstream: {repo: ${downstreamRepo}, package: ${downstreamPackage}}
  approval: {policy: Always}
${spec}`;
}

export function readyOf(report: JsonReport, kind: string, name: string): string {
  const object = report.items.find((item) => item.kind === kind && item.metadata.name === name);
  const ready = object?.status?.conditions?.find((condition) => condition.type === 'Ready');
  return ready === undefined ? 'no such object, or not looked at' : `${ready.status} ${ready.reason}: ${ready.message}`;
}
