import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Schema, SchemaSource } from './schema.ts';

/** Written by `scripts/schema.mjs`; lies beside this file and, in the bundle, beside that. */
const FILE = new URL('./kubernetes.json.gz', import.meta.url);

interface SchemaFile {
  readonly version: string;
  /** Name of the type by `<apiVersion>/<kind>`. */
  readonly kinds: { readonly [kind: string]: string };
  readonly types: { readonly [name: string]: Schema };
}

/** The schemas of Kubernetes' own kinds. The file is read when the first of them is asked for. */
class KubernetesSchemas implements SchemaSource {
  #file: SchemaFile | undefined;

  find(apiVersion: string, kind: string): Schema | undefined {
    const { kinds, types } = this.#read();
    const name = own(kinds, `${apiVersion}/${kind}`);
    return name === undefined ? undefined : own(types, name);
  }

  /** The type that a reference names; a schema that is none is returned as it is. */
  resolve(schema: Schema): Schema {
    if (schema.$ref === undefined) return schema;
    const type = own(this.#read().types, schema.$ref) ?? {};
    return { ...schema, ...type, $ref: undefined };
  }

  /** For example `v1.36.3`. */
  get version(): string {
    return this.#read().version;
  }

  #read(): SchemaFile {
    this.#file ??= JSON.parse(gunzipSync(readFileSync(FILE)).toString('utf8')) as SchemaFile;
    return this.#file;
  }
}

function own<T>(map: { readonly [key: string]: T }, key: string): T | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

/** One for each thread: what has been read does not change. */
export const kubernetesSchemas = new KubernetesSchemas();
