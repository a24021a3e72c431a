const NOTE = '<!-- Generated from crds/ by `npm run generate`. Do not edit. -->\n';

/**
 * The reference page of a kind: one table of all fields of spec, one of status, and the rules.
 * @param {import('./crds.mjs').Crd} crd
 */
export function generateReference(crd) {
  const { spec, status } = crd.schema.properties;
  const parts = [
    `# ${crd.kind}`,
    crd.schema.description,
    `\`apiVersion: ${crd.group}/${crd.version}\`, ${crd.namespaced ? 'namespaced' : 'cluster-scoped'}; short names: ${list(crd.shortNames)}.`,
  ];
  if (crd.selectableFields.length > 0) parts.push(`Field selectors: ${list(crd.selectableFields)}.`);
  parts.push('## Spec', spec.description, table(rows(spec, 'spec')));
  parts.push('## Status', status.description, table(rows(status, 'status')));
  const rules = collectRules(crd.schema, '');
  if (rules.length > 0)
    parts.push('## Rules', rules.map(({ path, message }) => `- \`${path}\`: ${message}`).join('\n'));
  return `${NOTE}\n${parts.join('\n\n')}\n`;
}

/** @param {import('./crds.mjs').Crd[]} crds @param {(kind: string) => string} fileOf */
export function generateReferenceIndex(crds, fileOf) {
  const lines = crds.map((crd) => `- [${crd.kind}](${fileOf(crd.kind)}): ${crd.schema.description}`);
  return `${NOTE}\n# Reference of the kinds\n\n${lines.join('\n')}\n`;
}

function list(names) {
  return names.map((name) => `\`${name}\``).join(', ');
}

function table(lines) {
  return ['| Field | Type | Description |', '|---|---|---|', ...lines].join('\n');
}

function rows(schema, path) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const here = `${path}.${name}`;
    const marks = [
      required.has(name) ? ' **Required.**' : '',
      field.default === undefined ? '' : ` Default: \`${field.default}\`.`,
    ];
    const values = field.enum ? ` One of ${list(field.enum.map((value) => value || '""'))}.` : '';
    return [
      `| \`${here}\` | ${typeName(field)} | ${field.description}${values}${marks.join('')} |`,
      ...nested(field, here),
    ];
  });
}

function nested(field, path) {
  if (field.type === 'array') return nested(field.items, `${path}[]`);
  return field.title === 'Condition' ? [] : rows(field, path);
}

function typeName(field) {
  if (field.type === 'array') return `list of ${typeName(field.items)}`;
  if (field.additionalProperties) return `map of ${typeName(field.additionalProperties)}`;
  return field.format ?? field.type ?? 'any';
}

function collectRules(schema, path) {
  const own = (schema['x-kubernetes-validations'] ?? []).map(({ message, fieldPath }) => ({
    path: `${path}${fieldPath ?? ''}` || '(object)',
    message,
  }));
  const children = Object.entries(schema.properties ?? {}).flatMap(([name, child]) =>
    collectRules(child, path ? `${path}.${name}` : name),
  );
  const inner = schema.items ?? schema.additionalProperties;
  const all = [...own, ...children, ...(inner ? collectRules(inner, `${path}[]`) : [])];
  return all.filter(
    (rule, index) => all.findIndex((other) => other.path === rule.path && other.message === rule.message) === index,
  );
}
