import { isDeepStrictEqual } from 'node:util';
import { compile } from 'json-schema-to-typescript';
import ts from 'typescript';

const BANNER = '// Generated from crds/ by `npm run generate`. Do not edit.\n';
const FORMAT = { singleQuote: true, printWidth: 120 };

/**
 * TypeScript for the spec and status of a kind: one interface for each titled object, everything read-only.
 * @param {import('./crds.mjs').Crd} crd
 */
export async function generateTypes({ kind, schema }) {
  const named = new NamedTypes();
  const root = {
    title: `${kind}Content`,
    type: 'object',
    additionalProperties: false,
    required: ['spec'],
    properties: { spec: named.convert(schema.properties.spec), status: named.convert(schema.properties.status) },
    definitions: named.definitions,
  };
  const code = await compile(root, `${kind}Content`, { bannerComment: '', additionalProperties: false, style: FORMAT });
  const imports = code.includes('Condition[]') ? "import type { Condition } from '../object.ts';\n\n" : '';
  return `${BANNER}${imports}${readOnly(withoutInterface(code, `${kind}Content`))}`;
}

/** Turns titled objects and enums into definitions, so that the same title is the same type wherever it stands. */
class NamedTypes {
  definitions = {};

  convert(schema) {
    const { title, description, ...rest } = plain(schema);
    if (title === 'Condition') return { tsType: 'Condition', description };
    const body = this.convertChildren(rest);
    if (title === undefined || !(body.properties || body.enum)) return { ...body, description };
    this.define(title, body, description);
    return { allOf: [{ $ref: `#/definitions/${title}` }], description };
  }

  convertChildren(schema) {
    const { properties, items, additionalProperties } = schema;
    return {
      ...schema,
      ...(properties && {
        properties: Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, this.convert(value)])),
      }),
      ...(items && { items: this.convert(items) }),
      ...(additionalProperties && { additionalProperties: this.convert(additionalProperties) }),
    };
  }

  define(title, body, description) {
    const known = this.definitions[title];
    if (known === undefined) {
      this.definitions[title] = { title, description, ...body };
      return;
    }
    const { title: _title, description: firstDescription, ...shape } = known;
    if (!isDeepStrictEqual(shape, body)) throw new Error(`two different schemas are titled ${title}`);
    if (firstDescription !== description) delete known.description;
  }
}

/** What json-schema-to-typescript needs of a structural schema; bounds on sizes would become tuple types. */
function plain(schema) {
  const { type, title, description, required, properties, items, additionalProperties, enum: values } = schema;
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const kept = { type, title, description, required, properties, items, additionalProperties, enum: values };
  if (open && type === 'object') kept.additionalProperties = {};
  return Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined));
}

function sourceOf(code) {
  return ts.createSourceFile('generated.ts', code, ts.ScriptTarget.Latest, true);
}

function withoutInterface(code, name) {
  const node = sourceOf(code).statements.find((statement) => statement.name?.text === name);
  return code.slice(0, node.getFullStart()) + code.slice(node.getEnd());
}

/** Objects come out of caches frozen, so their types say `readonly`. */
function readOnly(code) {
  const places = [];
  const visit = (node) => {
    if (ts.isPropertySignature(node) || ts.isIndexSignatureDeclaration(node)) places.push(node.getStart());
    if (ts.isArrayTypeNode(node)) places.push(node.getStart());
    ts.forEachChild(node, visit);
  };
  visit(sourceOf(code));
  return places
    .sort((a, b) => b - a)
    .reduce((text, place) => `${text.slice(0, place)}readonly ${text.slice(place)}`, code)
    .trimStart();
}
