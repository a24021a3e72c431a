import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { KubeObject } from '../../../src/api/object.ts';
import type { BareRepository } from '../../env/git/bare-repository.ts';

const AUTHOR = 'Porch <porch@example.com> 1700000000 +0000';
export const UPSTREAM_TAG = 'web/v1';

/** Where the fleet's packages were cloned from. */
export interface PorchUpstream {
  readonly repo: string;
  readonly commit: string;
}

/** The upstream package as its author wrote it. */
export const BLUEPRINT = {
  'web/Kptfile': `apiVersion: kpt.dev/v1
kind: Kptfile
metadata:
  name: web
  annotations:
    config.kubernetes.io/local-config: "true"
info:
  description: a web server
`,
  'web/package-context.yaml': context('web'),
  'web/service.yaml':
    'apiVersion: v1\nkind: Service\nmetadata:\n  name: web # the name that clients know\nspec:\n  ports:\n    - port: 80\n',
};

/** Writes one published revision for each name as Porch does: a clone and an approval commit on main, and a tag. */
export async function writePorchPackages(
  remote: BareRepository,
  names: readonly string[],
  upstream: PorchUpstream,
): Promise<void> {
  const tip = (await remote.refs()).get('refs/heads/main') ?? '';
  let mark = 0;
  const commit = (subject: string, trailer: object, files: Readonly<Record<string, string>>): string => {
    const message = `${subject}\n\nkpt:${JSON.stringify(trailer)}\n`;
    const parent = mark === 0 ? tip : `:${mark}`;
    mark += 1;
    const changes = Object.entries(files).map(([path, text]) => `M 100644 inline ${path}\n${data(text)}`);
    return `commit refs/heads/main\nmark :${mark}\ncommitter ${AUTHOR}\n${data(message)}from ${parent}\n${changes.join('')}\n`;
  };
  const stream = names.map((name) => {
    const of = { package: name, workspaceName: 'packagevariant-1' };
    const git = { repo: upstream.repo, ref: UPSTREAM_TAG, directory: '/web' };
    const task = { type: 'clone', clone: { upstreamRef: { upstreamRef: { name: 'blueprints.web.v1' } }, git } };
    const cloned = commit(
      'Creating new revision by cloning',
      { ...of, revision: '0', task },
      packageFiles(name, upstream),
    );
    const approved = commit(`Approving package revision ${name}/1`, { ...of, revision: '1' }, {});
    return `${cloned}${approved}reset refs/tags/${name}/v1\nfrom :${mark}\n\n`;
  });
  const child = spawn('git', ['-C', remote.path, 'fast-import', '--quiet'], { stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end(stream.join(''));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`git fast-import: ${code}`);
}

type Manifest = KubeObject & Readonly<Record<string, unknown>>;

/** The variants as users had them for Porch. */
export function porchVariants(
  names: readonly string[],
  regions: Readonly<Record<string, string>> = {},
): readonly Manifest[] {
  return names.map((name) => ({
    apiVersion: 'config.porch.kpt.dev/v1alpha1',
    kind: 'PackageVariant',
    metadata: { name, namespace: 'default', finalizers: ['config.porch.kpt.dev/packagevariants'] },
    spec: {
      upstream: { repo: 'blueprints', package: 'web', workspaceName: 'v1' },
      downstream: { repo: 'deployments', package: name },
      packageContext: { data: { region: regions[name] ?? 'north' } },
      pipeline: {
        mutators: [{ name: 'labels', image: 'set-labels:v0.2.0', configMap: { site: name } }],
      },
    },
  }));
}

/**
 * The revisions that Porch's controllers had made for them: without anything of ours.
 * @param uidOf of a variant
 */
export function porchRevisions(
  names: readonly string[],
  uidOf: (name: string) => string = (name) => `uid-${name}`,
): readonly Manifest[] {
  return names.map((name) => ({
    apiVersion: 'porch.kpt.dev/v1alpha2',
    kind: 'PackageRevision',
    metadata: {
      name: `deployments.${name}.packagevariant-1`,
      labels: { 'porch.kpt.dev/latest-revision': 'true' },
      finalizers: ['porch.kpt.dev/packagerevisions'],
      ownerReferences: [
        {
          apiVersion: 'config.porch.kpt.dev/v1alpha1',
          kind: 'PackageVariant',
          name,
          uid: uidOf(name),
          controller: true,
        },
      ],
    },
    spec: {
      repository: 'deployments',
      packageName: name,
      workspaceName: 'packagevariant-1',
      lifecycle: 'Published',
      source: { cloneFrom: { upstreamRef: { name: 'blueprints.web.v1' } } },
    },
  }));
}

function packageFiles(name: string, upstream: PorchUpstream): Readonly<Record<string, string>> {
  return {
    [`${name}/Kptfile`]: `apiVersion: kpt.dev/v1
kind: Kptfile
metadata:
  name: ${name}
  annotations:
    config.kubernetes.io/local-config: "true"
upstream:
  type: git
  git:
    repo: ${upstream.repo}
    directory: /web
    ref: ${UPSTREAM_TAG}
  updateStrategy: resource-merge
upstreamLock:
  type: git
  git:
    repo: ${upstream.repo}
    directory: /web
    ref: ${UPSTREAM_TAG}
    commit: ${upstream.commit}
info:
  description: a web server
pipeline:
  mutators:
    - name: PackageVariant.${name}.labels.0
      image: set-labels:v0.2.0
      configMap:
        site: ${name}
status:
  conditions:
    - type: Rendered
      status: "True"
      reason: RenderSuccess
`,
    [`${name}/package-context.yaml`]: `${context(name)}  package-path: ""\n  region: north\n`,
    [`${name}/service.yaml`]: `apiVersion: v1
kind: Service
metadata:
  name: web # the name that clients know
  labels:
    site: ${name}
spec:
  selector:
    site: ${name}
  ports:
    - port: 80
`,
  };
}

function context(name: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kptfile.kpt.dev\n  annotations:\n    config.kubernetes.io/local-config: "true"\ndata:\n  name: ${name}\n`;
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`;
}
