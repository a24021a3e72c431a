import { threadId } from 'node:worker_threads';
import { TerminalError } from '../../../src/api/errors.ts';
import type { FunctionInput, FunctionRuntime } from '../../../src/functions/types.ts';
import type { Package } from '../../../src/package/package.ts';
import type { FileChange } from '../../../src/package/types.ts';
import type { Renderer } from '../../../src/render/types.ts';
import type { RenderReply, RenderTask } from '../../../src/workers/protocol.ts';
import { serveRender } from '../../../src/workers/serve.ts';

/** Entry of worker threads in tests: the file `behaviour` of a package says what its render does. */
export function render(task: RenderTask): Promise<RenderReply> {
  return serveRender(task, behave);
}

type Behaviour = (pkg: Package, hosted: FunctionRuntime, signal: AbortSignal) => Promise<FileChange[]>;

const ITEMS: FunctionInput['items'] = [
  { value: { kind: 'A', big: 9007199254740993n }, path: 'a.yaml', index: 0, id: 1, text: () => 'kind: A # comment\n' },
  { value: { kind: 'B' }, path: 'b.yaml', index: 0, id: 2 },
];

const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  change: async () => [
    ['removed', null],
    ['changed', text('new', '100755')],
    ['added/file', text(String(threadId))],
  ],
  nothing: async () => [],
  call: async (_, hosted, signal) => {
    const runner = hosted.runner({ image: 'example.com/fn:v1' });
    if (runner === undefined) return [['outcome', text('no runner')]];
    const output = await runner.run({ items: ITEMS, functionConfig: { kind: 'C' } }, { signal, packagePath: 'sub' });
    const items = output.items.map((item) => {
      const number = ITEMS.indexOf(item);
      return number === -1 ? `${JSON.stringify(item.value)} ${item.text?.() ?? ''}` : `same ${number}`;
    });
    const outcome = { resolved: runner.resolved, runtime: runner.runtime, ...output, items };
    return [['outcome', text(JSON.stringify(outcome))]];
  },
  'call many': async (_, hosted, signal) => {
    const exitCodes = await Promise.all(
      ['a', 'b', 'c'].map(async (image) => {
        const output = await hosted.runner({ image })?.run({ items: [] }, { signal, packagePath: image });
        return output?.exitCode;
      }),
    );
    return [['outcome', text(JSON.stringify(exitCodes))]];
  },
  fail: async () => {
    throw new TerminalError('InvalidKptfile', 'no name', { file: 'Kptfile', line: 3 });
  },
  spin: async (_, hosted) => {
    hosted.runner({ image: 'started' });
    for (;;) Math.random();
  },
  wait: (_, hosted, signal) => {
    hosted.runner({ image: 'started' });
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        hosted.runner({ image: 'stopped' });
        reject(signal.reason);
      });
    });
  },
  allocate: async () => {
    const kept: string[][] = [];
    for (;;) kept.push(Array.from({ length: 10_000 }, (_, index) => `${kept.length} ${index}`));
  },
  exit: async () => process.exit(3),
};

function behave(hosted: FunctionRuntime): Renderer {
  return {
    render: async (pkg, { signal }) => {
      const name = new TextDecoder().decode(pkg.get('behaviour')?.bytes);
      const changes = await (BEHAVIOURS[name] as Behaviour)(pkg, hosted, signal);
      return { package: pkg.edit(changes), report: { steps: [], warnings: [`rendered ${pkg.size} files`] } };
    },
  };
}

function text(content: string, mode: '100644' | '100755' = '100644') {
  return { bytes: new TextEncoder().encode(content), mode };
}
