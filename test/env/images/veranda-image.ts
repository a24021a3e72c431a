import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { requireProgram } from '../service.ts';
import { hostPrograms } from './host-program.ts';
import { BASE_FILES, type Image, type LayerFile, makeImage, makeLayer } from './image.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** Where the Dockerfile puts it. */
const HOME = '/opt/veranda';
/** What the Dockerfile copies; of the dependencies those that are not in the bundle. */
const COPIED = ['package.json', 'LICENSE', 'bin', 'dist', 'crds', 'node_modules/piscina'];
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';

/**
 * The image of the Dockerfile (same folder, user and entrypoint), put together from this machine's Node.js, git and shell,
 * since its base images cannot be pulled everywhere. Takes what `make build` made.
 * @throws Error when dist/ is not there
 */
export async function buildVerandaImage(): Promise<Image> {
  if (!existsSync(join(ROOT, 'dist/main.js'))) throw new Error('dist/ is missing: run make build');
  const layers = [await makeLayer([...BASE_FILES, ...(await system())]), await makeLayer(await product())];
  return makeImage(layers, {
    entrypoint: [`${HOME}/bin/veranda`],
    cmd: ['--help'],
    user: '65532:65532',
    workingDir: HOME,
    env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'NODE_ENV=production'],
  });
}

async function system(): Promise<LayerFile[]> {
  const { stdout } = await promisify(execFile)('git', ['--exec-path']);
  const gitCore = stdout.trim();
  const tools = ['git', 'dirname', 'readlink'].map((name) => requireProgram(name));
  const programs = await hostPrograms([
    ...tools,
    [join(ROOT, 'node_modules/node/bin/node'), '/usr/local/bin/node'],
    ['/bin/sh', '/bin/sh'],
    join(gitCore, 'git-remote-http'),
  ]);
  return [
    ...programs,
    link(join(gitCore, 'git'), requireProgram('git')),
    // Called by their own names for repositories in folders.
    ...['git-upload-pack', 'git-receive-pack'].map((name) => link(`/usr/bin/${name}`, requireProgram('git'))),
    link(join(gitCore, 'git-remote-https'), 'git-remote-http'),
    ...(existsSync(AUTHORITIES) ? [{ path: AUTHORITIES, content: await readFile(AUTHORITIES) }] : []),
  ];
}

const link = (path: string, target: string): LayerFile => ({ path, type: 'symlink', target });

async function product(): Promise<LayerFile[]> {
  const lists = await Promise.all(COPIED.map(filesBelow));
  return await Promise.all(
    lists.flat().map(async (name) => {
      const { mode } = await stat(join(ROOT, name));
      return { path: join(HOME, name), mode: mode & 0o755, content: await readFile(join(ROOT, name)) };
    }),
  );
}

async function filesBelow(name: string): Promise<string[]> {
  const path = join(ROOT, name);
  if ((await stat(path)).isFile()) return [name];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.map'));
  return files.map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1)).sort();
}
