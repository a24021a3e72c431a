import type { PackageRevision, Repository } from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';

type Fields = { readonly [name: string]: unknown };

/** What a client with fixed types makes of an object that it reads and writes back: fields that it has no name for are lost. */
export function revisionOfPorchctl({ apiVersion, kind, metadata, spec, status }: PackageRevision): KubeObject {
  const known = pick(fields(spec), ['packageName', 'repository', 'workspaceName', 'lifecycle']);
  const object = {
    apiVersion,
    kind,
    metadata,
    spec: withoutEmpty({
      ...known,
      source: spec.source && sourceOfPorchctl(fields(spec.source)),
      readinessGates: spec.readinessGates,
      packageMetadata: spec.packageMetadata && withoutEmptyMaps(fields(spec.packageMetadata)),
    }),
    status: pick(fields(status), ['observedGeneration', 'conditions', 'revision']),
  };
  return object;
}

/** The same of a Repository; the name of its Secret is always there. */
export function repositoryOfPorchctl({ apiVersion, kind, metadata, spec }: Repository, runOnceAt: string): KubeObject {
  const { git } = spec;
  const object = {
    apiVersion,
    kind,
    metadata,
    spec: withoutEmpty({
      ...pick(fields(spec), ['description', 'deployment', 'type', 'content']),
      git: git && { ...withoutEmpty(fields(git)), secretRef: { name: git.secretRef?.name ?? '' } },
      sync: { ...spec.sync, runOnceAt },
    }),
    status: {},
  };
  return object;
}

function sourceOfPorchctl(source: Fields): Fields {
  const [[member = '', value] = []] = Object.entries(source);
  const inner = fields(value);
  switch (member) {
    case 'init':
      return { init: withoutEmpty(pick(inner, ['description', 'keywords', 'site', 'subpackage'])) };
    case 'cloneFrom':
      return { cloneFrom: cloneOfPorchctl(inner) };
    case 'upgrade': {
      const refs = ['oldUpstream', 'newUpstream', 'currentPackage'].map((ref) => [
        ref,
        { name: '', ...fields(inner[ref]) },
      ]);
      return { upgrade: withoutEmpty({ ...Object.fromEntries(refs), strategy: inner.strategy }) };
    }
    default:
      return { [member]: value };
  }
}

function cloneOfPorchctl({ type, upstreamRef, git }: Fields): Fields {
  const place = fields(git);
  return withoutEmpty({
    type,
    upstreamRef,
    git: git && {
      repo: place.repo,
      ...withoutEmpty({ ref: place.ref }),
      directory: place.directory ?? '',
      secretRef: { name: '', ...fields(place.secretRef) },
    },
  });
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function pick(object: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(names.filter((name) => name in object).map((name) => [name, object[name]]));
}

/** Fields that the client's types leave out when they have no value; empty objects stay. */
function withoutEmpty(object: Fields): Fields {
  const isEmpty = (value: unknown) =>
    value === undefined || value === '' || value === false || (Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(object).filter(([, value]) => !isEmpty(value)));
}

function withoutEmptyMaps(object: Fields): Fields {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => Object.keys(fields(value)).length > 0));
}
