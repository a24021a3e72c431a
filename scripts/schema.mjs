// Cuts the schemas of Kubernetes' own kinds out of the OpenAPI files of its Go module, into src/krm/schema/. The result
// is committed; this is run when another version of Kubernetes is wanted.
import { execFileSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, gzipSync } from 'node:zlib';

const VERSION = 'v1.36.3';
const TARGET = join(import.meta.dirname, '../src/krm/schema/kubernetes.json.gz');
const REFERENCE = '#/components/schemas/';
const DROPPED = ['description', 'x-kubernetes-group-version-kind', 'x-kubernetes-unions'];

const download = ['mod', 'download', '-json', `k8s.io/kubernetes@${VERSION}`];
const folder = join(JSON.parse(execFileSync('go', download, { cwd: tmpdir() })).Dir, 'api/openapi-spec/v3');
const kinds = {};
const all = {};
for (const file of (await readdir(folder)).sort()) {
  const { components } = JSON.parse(await readFile(join(folder, file), 'utf8'));
  for (const [name, schema] of Object.entries(components?.schemas ?? {})) {
    all[name] ??= cut(schema);
    if (name.endsWith('.resource.Quantity')) all[name].format = 'quantity';
    const names = schema['x-kubernetes-group-version-kind'] ?? [];
    // What belongs to every group (DeleteOptions, WatchEvent) is no kind of a file.
    if (names.length !== 1) continue;
    const [{ group, version, kind }] = names;
    kinds[`${group === '' ? '' : `${group}/`}${version}/${kind}`] = name;
  }
}
const types = {};
for (const name of Object.values(kinds)) keep(name);
const text = JSON.stringify({ version: VERSION, kinds: sorted(kinds), types: sorted(types) });
await writeFile(TARGET, gzipSync(text, { level: constants.Z_BEST_COMPRESSION }));
console.log(`${Object.keys(kinds).length} kinds, ${Object.keys(types).length} types, ${text.length} characters`);

/** A schema without what is for readers. `allOf` with one reference in it becomes that reference. */
function cut(schema) {
  const { allOf = [], default: fallback, properties, ...rest } = schema;
  if (allOf.length > 1) throw new Error('allOf with more than one schema');
  const result = allOf.length === 1 ? cut(allOf[0]) : {};
  for (const [key, value] of Object.entries(rest)) {
    if (DROPPED.includes(key)) continue;
    if (key === '$ref') result[key] = value.slice(REFERENCE.length);
    else if (key === 'oneOf') result[key] = value.map(cut);
    else if (key === 'items' || (key === 'additionalProperties' && typeof value === 'object')) result[key] = cut(value);
    else result[key] = value;
  }
  if (fallback !== undefined && typeof fallback !== 'object') result.default = fallback;
  if (properties !== undefined) result.properties = mapValues(properties, cut);
  return result;
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

function keep(name) {
  if (types[name] !== undefined) return;
  types[name] = all[name];
  for (const [, reference] of JSON.stringify(all[name]).matchAll(/"\$ref":"([^"]+)"/g)) keep(reference);
}

function sorted(object) {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
