// Compiles the Starlark interpreter to WebAssembly. What was compiled once is kept in a cache folder, by what it was
// made from; where Go is absent and nothing is cached, the build goes on without it.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const HERE = import.meta.dirname;
const CACHE = join(HERE, '../../node_modules/.cache/veranda');
const PAGE = 64 * 1024;
/** A script that wants more than this dies, and nothing with it. */
const MAX_MEMORY = 512 * 1024 * 1024;

/** Writes `starlark.wasm` into `outdir`. Returns false, with a notice, when it cannot be made here. */
export async function buildStarlark(outdir) {
  const cached = join(CACHE, `starlark-${await sourceHash()}.wasm`);
  const target = join(outdir, 'starlark.wasm');
  try {
    await copyInto(target, cached);
    return true;
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  const built = `${cached}.${process.pid}`;
  await mkdir(CACHE, { recursive: true });
  try {
    const env = { ...process.env, GOOS: 'wasip1', GOARCH: 'wasm', CGO_ENABLED: '0', GOWORK: 'off' };
    const args = ['build', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', built, '.'];
    execFileSync('go', args, { cwd: HERE, env, stdio: ['ignore', 'inherit', 'inherit'] });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    console.warn('build: Go is not installed: the starlark function is left out and runs as a container only');
    return false;
  }
  await writeFile(built, withMemoryLimit(await readFile(built)));
  await rename(built, cached);
  await copyInto(target, cached);
  return true;
}

async function copyInto(target, source) {
  const partial = `${target}.${process.pid}`;
  await mkdir(dirname(target), { recursive: true });
  await copyFile(source, partial);
  await rename(partial, target);
}

async function sourceHash() {
  const hash = createHash('sha256').update(String(MAX_MEMORY));
  for (const name of (await readdir(HERE)).sort()) {
    if (/\.go$|^go\.(mod|sum)$/.test(name)) hash.update(name).update(await readFile(join(HERE, name)));
  }
  return hash.digest('hex').slice(0, 16);
}

/** Go declares its memory without an upper bound; here is where it gets one. */
export function withMemoryLimit(wasm) {
  const MEMORY_SECTION = 5;
  for (let at = 8; at < wasm.length; ) {
    const size = readLeb(wasm, at + 1);
    const end = size.next + size.value;
    if (wasm[at] === MEMORY_SECTION) {
      const count = readLeb(wasm, size.next);
      const initial = readLeb(wasm, count.next + 1);
      if (count.value !== 1 || wasm[count.next] !== 0 || initial.next !== end)
        throw new Error('unexpected memory section');
      const body = [1, 1, ...leb(initial.value), ...leb(MAX_MEMORY / PAGE)];
      return Buffer.concat([
        wasm.subarray(0, at),
        Buffer.from([MEMORY_SECTION, ...leb(body.length), ...body]),
        wasm.subarray(end),
      ]);
    }
    at = end;
  }
  throw new Error('the module has no memory section');
}

function readLeb(bytes, at) {
  let value = 0;
  for (let shift = 0, next = at; ; shift += 7) {
    const byte = bytes[next++];
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, next };
  }
}

function leb(value) {
  const bytes = [];
  for (; value >= 0x80; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80);
  return [...bytes, value];
}

if (import.meta.main) await buildStarlark(join(HERE, '../../dist'));
