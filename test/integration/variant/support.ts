import {
  PACKAGE_REVISION,
  PACKAGE_VARIANT,
  type PackageRevision,
  type PackageVariant,
} from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { NAMESPACE, OperatorBench } from '../operator/support.ts';

export const KPTFILE = 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: web\n';

type Fields = { readonly [field: string]: unknown };

/** Package `web` on the branch of `blueprints`, and `deployments`, into which variants write. */
export class VariantBench {
  bench: OperatorBench;
  readonly blueprints: BareRepository;
  readonly deployments: BareRepository;
  readonly #former: OperatorBench[] = [];
  #looks = 0;

  private constructor(bench: OperatorBench, blueprints: BareRepository, deployments: BareRepository) {
    this.bench = bench;
    this.blueprints = blueprints;
    this.deployments = deployments;
  }

  static async open(files: Readonly<Record<string, string>> = {}): Promise<VariantBench> {
    const bench = await OperatorBench.open();
    const blueprints = await bench.repository('blueprints');
    const made = new VariantBench(bench, blueprints, await bench.repository('deployments', { deployment: true }));
    await made.release(files);
    await bench.start();
    return made;
  }

  async close(): Promise<void> {
    await this.deployments.fsck();
    for (const bench of [this.bench, ...this.#former]) await bench.close();
  }

  /** The same remotes in another cluster, which has no object but the repositories. */
  async restore(): Promise<void> {
    await this.bench.operator.stop();
    this.#former.push(this.bench);
    this.bench = await OperatorBench.open();
    await this.bench.start();
    await this.look();
  }

  /** Another content of the upstream package. */
  async release(files: Readonly<Record<string, string>>): Promise<void> {
    const all = Object.entries({ Kptfile: KPTFILE, ...files });
    await this.blueprints.commit('main', Object.fromEntries(all.map(([path, text]) => [`web/${path}`, text])));
  }

  /** Makes the operator look at both remotes. */
  async look(): Promise<void> {
    this.#looks += 1;
    for (const { path } of [this.blueprints, this.deployments]) {
      const name = path === this.blueprints.path ? 'blueprints' : 'deployments';
      await this.bench.register(name, path, { description: `look ${this.#looks}`, deployment: name === 'deployments' });
    }
    await this.bench.settle();
  }

  async variant(name: string, spec: Fields = {}, metadata: Fields = {}): Promise<PackageVariant> {
    const ends = {
      upstream: { repo: 'blueprints', package: 'web', workspaceName: 'main' },
      downstream: { repo: 'deployments', package: name },
    };
    await this.bench.apply(PACKAGE_VARIANT.apiVersion, PACKAGE_VARIANT.kind, name, { ...ends, ...spec }, metadata);
    await this.bench.settle();
    return this.get(name);
  }

  get(name: string): PackageVariant {
    return this.bench.operator.find('PackageVariant', NAMESPACE, name) as PackageVariant;
  }

  has(kind: string, name: string): boolean {
    return this.bench.operator.find(kind, NAMESPACE, name) !== undefined;
  }

  /** Revisions of a downstream package but the head of the branch, the newest last. */
  async revisions(pkg: string): Promise<readonly PackageRevision[]> {
    const all = await this.bench.operator.list(PACKAGE_REVISION);
    return all
      .filter(({ spec, status }) => spec.packageName === pkg && status?.revision !== -1)
      .sort((a, b) => (a.status?.revision || 99) - (b.status?.revision || 99));
  }

  async only(pkg: string): Promise<PackageRevision> {
    const [revision, ...others] = await this.revisions(pkg);
    if (!revision || others.length > 0) throw new Error(`${pkg} has ${others.length + (revision ? 1 : 0)} revisions`);
    return revision;
  }

  async publish(name: string): Promise<void> {
    for (const lifecycle of ['Proposed', 'Published']) await this.bench.change(name, { lifecycle });
  }

  async remove(object: KubeObject): Promise<void> {
    await this.bench.operator.delete(object);
    await this.bench.settle();
  }

  /** Reasons of the events of an object so far. */
  reasons(): readonly string[] {
    return this.bench.events.map(({ reason }) => reason);
  }
}
