import type { PackageRevision, PackageVariant } from '../../api/kinds.ts';
import type { KubeObject } from '../../api/object.ts';
import type { KrmMap, KrmValue } from '../../krm/value.ts';
import type { Injector } from '../../task/mutations/inject-config.ts';
import { inputHash, workspaceName } from '../../task/variant.ts';
import type { Injectables } from '../environment.ts';
import type { WantedInputs } from './plan.ts';

/** Hash of a variant's inputs with this upstream; the revision controller uses the same when it writes content. */
export function variantInputHash(
  { metadata, spec }: PackageVariant,
  upstream: PackageRevision,
  injectables: Pick<Injectables, 'byName'>,
): string {
  const git = upstream.status?.selfLock?.git;
  const objects = (spec.injectors ?? []).flatMap((injector) =>
    injectables.byName(metadata.namespace ?? '', injector.name).filter((object) => isFor(injector, object)),
  );
  return inputHash({
    upstream: {
      repo: git?.repo ?? '',
      package: upstream.spec.packageName,
      directory: git?.directory ?? '',
      tree: upstream.status?.packageTree ?? '',
    },
    content: {
      name: metadata.name,
      packageContext: spec.packageContext,
      pipeline: spec.pipeline,
      injectors: spec.injectors,
    },
    injected: Object.fromEntries(
      objects.map((object) => [`${object.apiVersion}|${object.kind}|${object.metadata.name}`, payloadOf(object)]),
    ),
  });
}

/** An object of another kind that happens to have the name is no input. */
function isFor({ group, version, kind }: Injector, object: KubeObject): boolean {
  const parts = object.apiVersion.split('/');
  const [ofGroup, ofVersion] = parts.length > 1 ? parts : ['', ...parts];
  return (
    (group === undefined || group === ofGroup) &&
    (version === undefined || version === ofVersion) &&
    (kind === undefined || kind === object.kind)
  );
}

export function wantedInputs(hash: string): WantedInputs {
  return { hash, workspace: (base) => workspaceName(hash, base) };
}

/** What injection copies of an object; nothing else of it counts as an input. */
function payloadOf(object: KubeObject): KrmValue {
  const { apiVersion, kind } = object;
  const content = object as KubeObject & { readonly data?: KrmMap; readonly spec?: KrmMap };
  return (apiVersion === 'v1' && kind === 'ConfigMap' ? content.data : content.spec) ?? null;
}
