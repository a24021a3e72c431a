import { TerminalError, TransientError } from '../../../src/api/errors.ts';
import { Package } from '../../../src/package/package.ts';
import type { FileMode } from '../../../src/package/types.ts';
import type { Renderer, RenderReport } from '../../../src/render/types.ts';
import type { GitLock } from '../../../src/repository/types.ts';
import type {
  GitSource,
  Mutation,
  MutationContext,
  PackageSources,
  ResolvedGitPackage,
  ResolvedImage,
  ResolvedRevision,
  TaskTarget,
} from '../../../src/task/types.ts';

export function packageOf(files: { readonly [path: string]: string | Uint8Array }, mode: FileMode = '100644'): Package {
  return Package.of(
    Object.entries(files).map(([path, content]) => {
      const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
      return [path, { bytes, mode }] as const;
    }),
  );
}

export function textOf(pkg: Package, path: string): string {
  const file = pkg.get(path);
  if (!file) throw new Error(`the package has no ${path}; it has ${pkg.paths().join(', ')}`);
  return new TextDecoder().decode(file.bytes);
}

export const KPTFILE = `apiVersion: kpt.dev/v1
kind: Kptfile
metadata:
  name: app
`;

export function lockOf(overrides: Partial<GitLock['git']> = {}): GitLock {
  const git = {
    repo: 'https://git.example.com/blueprints.git',
    directory: 'basens',
    ref: 'basens/v1',
    commit: 'c'.repeat(40),
  };
  return { type: 'git', git: { ...git, ...overrides } };
}

export function revisionOf(overrides: Partial<ResolvedRevision> = {}): ResolvedRevision {
  return {
    name: 'blueprints.basens.v1',
    repository: 'blueprints',
    package: 'basens',
    workspace: 'v1',
    lifecycle: 'Published',
    branchHead: false,
    lock: lockOf(),
    content: packageOf({ Kptfile: KPTFILE.replace('app', 'basens') }),
    ...overrides,
  };
}

/** Packages in registries: images by tag, and by digest those that tags no longer name. */
export function imagesOf(images: Readonly<Record<string, ResolvedImage>>): Pick<PackageSources, 'image'> {
  return {
    async image({ image }) {
      const found = images[image] ?? Object.values(images).find(({ lock }) => lock.oci.digest === image);
      if (!found) throw new TransientError('ManifestNotFound', `${image} is not there`);
      return found;
    },
  };
}

/** Sources over a list of revisions, one package behind every git URL, and commits that only locks still name. */
export function sourcesOf(
  revisions: readonly ResolvedRevision[] = [],
  git?: ResolvedGitPackage,
  commits: readonly ResolvedGitPackage[] = [],
): PackageSources & { readonly asked: GitSource[] } {
  const asked: GitSource[] = [];
  return {
    ...imagesOf({}),
    asked,
    async revision(name) {
      const found = revisions.find((revision) => revision.name === name);
      if (!found) throw new TerminalError('SourceNotFound', `cannot find package revision ${name}`);
      return found;
    },
    async git(source) {
      asked.push(source);
      if (!git) throw new TerminalError('SourceNotFound', `cannot find package ${source.directory}@${source.ref}`);
      return git;
    },
    async locked(lock) {
      const found = [...commits, ...revisions].find((one) => one.lock.git.commit === lock.git.commit);
      if (!found) throw new TerminalError('RefNotFound', `no commit ${lock.git.commit}`);
      return found;
    },
  };
}

export const NO_STEPS: RenderReport = { steps: [], warnings: [] };

/** Renders nothing: what a package without pipelines would give. */
export const IDLE_RENDERER: Renderer = {
  async render(pkg) {
    return { package: pkg, report: NO_STEPS };
  },
};

/** A pipeline that fails and leaves `left`, or the package itself. */
export function failingRenderer(message: string, left?: Package): Renderer {
  return {
    async render(pkg) {
      return { package: left ?? pkg, report: { ...NO_STEPS, failure: { reason: 'RenderFailed', message } } };
    },
  };
}

export function targetOf(overrides: Partial<TaskTarget> = {}): TaskTarget {
  return {
    object: 'PackageRevision default/deployments.istions.v1',
    repository: 'deployments',
    package: 'istions',
    workspace: 'v1',
    deployment: false,
    existingPackages: [],
    ...overrides,
  };
}

export function contextOf(overrides: Partial<MutationContext> = {}): MutationContext {
  return {
    target: targetOf(),
    sources: sourcesOf(),
    renderer: IDLE_RENDERER,
    signal: new AbortController().signal,
    ...overrides,
  };
}

export async function apply(
  mutation: Mutation,
  pkg: Package,
  context: MutationContext = contextOf(),
): Promise<Package> {
  return (await mutation.apply(context, pkg)).pkg;
}

/** The package after one and after two runs of a mutation must be the same; returns it. */
export async function applyTwice(
  mutation: Mutation,
  pkg: Package,
  context: MutationContext = contextOf(),
): Promise<Package> {
  const once = await apply(mutation, pkg, context);
  const twice = await apply(mutation, once, context);
  const changedPaths = twice.paths().filter((path) => !once.has(path) || textOf(once, path) !== textOf(twice, path));
  const [path] = changedPaths;
  if (path !== undefined)
    throw new Error(
      `a second run changed ${path}:\n${once.has(path) ? textOf(once, path) : ''}\n->\n${textOf(twice, path)}`,
    );
  if (once.hash() !== twice.hash()) throw new Error('a second run changed the package');
  return once;
}
