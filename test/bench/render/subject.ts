import { createServer } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openRenderer } from '../../../src/cli/renderer.ts';
import { Package } from '../../../src/package/package.ts';
import { readPackageDirectory } from '../../../src/package/read-dir.ts';
import { answerRequests } from '../support/subject-process.ts';
import { editResources, type KrmWork, readResources } from './krm-work.ts';

/** What the bench asks of the process that it measures; each is answered when it is done. */
export type Request =
  | { readonly kind: 'load'; readonly directory: string }
  /** Renders what is loaded, then its result, and so on; each time as a package nobody has looked at. */
  | { readonly kind: 'render'; readonly times: number }
  /** Answers what the process itself says of its event loop while the package renders. */
  | { readonly kind: 'watchedRender' }
  | { readonly kind: 'listen' }
  | { readonly kind: 'text'; readonly path: string }
  | { readonly kind: 'krm'; readonly work: KrmWork; readonly times: number };

export interface LoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const renderer = openRenderer();
const { signal } = new AbortController();
const state: { loaded?: Package } = {};

function loaded(): Package {
  if (state.loaded === undefined) throw new Error('nothing is loaded');
  return state.loaded;
}

async function render(pkg: Package): Promise<Package> {
  const { package: rendered, report } = await renderer.render(pkg, { signal });
  if (report.failure) throw new Error(report.failure.message);
  return rendered;
}

async function watchedRender(): Promise<LoopDelay> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const rendered = await render(loaded());
  delay.disable();
  state.loaded = rendered;
  const milliseconds = (nanoseconds: number): number => nanoseconds / 1e6;
  return {
    p50: milliseconds(delay.percentile(50)),
    p99: milliseconds(delay.percentile(99)),
    max: milliseconds(delay.max),
  };
}

/** Echoes what it is sent: how long an echo takes is how long the event loop was busy with something else. */
function listen(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.pipe(socket);
    });
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      server.unref();
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('no port'));
      else resolve(address.port);
    });
  });
}

async function answer(request: Request): Promise<unknown> {
  switch (request.kind) {
    case 'load':
      state.loaded = await readPackageDirectory(request.directory, { signal });
      return state.loaded.totalBytes;
    case 'render':
      for (let count = 0; count < request.times; count++) state.loaded = await render(Package.of(loaded().entries()));
      return undefined;
    case 'watchedRender':
      return watchedRender();
    case 'listen':
      return listen();
    case 'text':
      return Buffer.from(loaded().get(request.path)?.bytes ?? []).toString();
    case 'krm':
      return request.work === 'read' ? readResources(loaded(), request.times) : editResources(loaded(), request.times);
  }
}

answerRequests(answer);
