import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';

/**
 * @typedef {object} Crd
 * @property {string} file file name below crds/
 * @property {string} group
 * @property {string} version the stored version
 * @property {string} kind
 * @property {string} plural
 * @property {string[]} shortNames
 * @property {boolean} namespaced
 * @property {Record<string, any>} schema the openAPIV3Schema
 * @property {{ name: string, type: string, jsonPath: string, priority?: number }[]} columns
 * @property {string[]} selectableFields
 */

/**
 * Reads every CustomResourceDefinition of a folder, in the order of file names.
 * @param {string} folder
 * @returns {Promise<Crd[]>}
 */
export async function readCrds(folder) {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort();
  return Promise.all(files.map(async (file) => describeCrd(file, parse(await readFile(join(folder, file), 'utf8')))));
}

function describeCrd(file, { spec }) {
  const stored = spec.versions.find((version) => version.storage);
  return {
    file,
    group: spec.group,
    version: stored.name,
    kind: spec.names.kind,
    plural: spec.names.plural,
    shortNames: spec.names.shortNames ?? [],
    namespaced: spec.scope === 'Namespaced',
    schema: stored.schema.openAPIV3Schema,
    columns: stored.additionalPrinterColumns ?? [],
    selectableFields: (stored.selectableFields ?? []).map((field) => field.jsonPath.slice(1)),
  };
}

/** `PackageVariantSet` -> `package-variant-set`. */
export function kebabCase(name) {
  return name.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
}
