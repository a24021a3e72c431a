// Writes what is derived from crds/: types and schemas in src/api/generated, pages in docs/reference.
// With --check nothing is written, and the exit code is 1 when anything would change.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { kebabCase, readCrds } from './generate/crds.mjs';
import { generateReference, generateReferenceIndex } from './generate/reference.mjs';
import { generateSchemas } from './generate/schemas.mjs';
import { generateTypes } from './generate/types.mjs';

const root = join(import.meta.dirname, '..');
const folders = [join(root, 'src/api/generated'), join(root, 'docs/reference')];

async function generateAll() {
  const crds = await readCrds(join(root, 'crds'));
  const [code, docs] = folders;
  const files = new Map([[join(code, 'crd-schemas.ts'), generateSchemas(crds)]]);
  for (const crd of crds) {
    files.set(join(code, `${kebabCase(crd.kind)}.ts`), await generateTypes(crd));
    files.set(join(docs, `${kebabCase(crd.kind)}.md`), generateReference(crd));
  }
  files.set(
    join(docs, 'README.md'),
    generateReferenceIndex(crds, (kind) => `${kebabCase(kind)}.md`),
  );
  return files;
}

/** Paths whose content on disk is not what `files` says, leftovers included. */
async function differing(files) {
  const present = (await Promise.all(folders.map(listFiles))).flat();
  const changed = [];
  for (const [path, text] of files) {
    if (!present.includes(path) || (await readFile(path, 'utf8')) !== text) changed.push(path);
  }
  return [...changed, ...present.filter((path) => !files.has(path))];
}

async function listFiles(folder) {
  await mkdir(folder, { recursive: true });
  return (await readdir(folder)).map((name) => join(folder, basename(name)));
}

async function write(files, paths) {
  for (const path of paths) {
    const text = files.get(path);
    await mkdir(dirname(path), { recursive: true });
    if (text === undefined) await rm(path);
    else await writeFile(path, text);
  }
}

const files = await generateAll();
const paths = await differing(files);
const names = paths.map((path) => relative(root, path)).join(', ');
if (process.argv.includes('--check')) {
  if (paths.length > 0) console.error(`not as \`npm run generate\` writes it: ${names}`);
  process.exitCode = paths.length > 0 ? 1 : 0;
} else {
  await write(files, paths);
  console.log(paths.length > 0 ? `written: ${names}` : 'nothing to write');
}
