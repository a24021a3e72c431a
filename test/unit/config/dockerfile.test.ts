import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import createIgnore from 'ignore';

const ROOT = join(import.meta.dirname, '../../..');
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');

interface Instruction {
  readonly name: string;
  readonly words: readonly string[];
}

/** The instructions of each stage; the first of a stage is its FROM. */
function stagesOf(text: string): readonly (readonly Instruction[])[] {
  const lines = text
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const stages: Instruction[][] = [];
  for (const line of lines) {
    const [name = '', ...words] = line.split(/\s+/);
    if (name === 'FROM') stages.push([]);
    stages.at(-1)?.push({ name, words });
  }
  return stages;
}

const [build = [], final = []] = stagesOf(read('Dockerfile'));
const ignored = createIgnore().add(read('.dockerignore'));
const { dependencies, scripts } = JSON.parse(read('package.json')) as {
  readonly dependencies: { readonly [name: string]: string };
  readonly scripts: { readonly [name: string]: string };
};

function of(stage: readonly Instruction[], name: string): readonly Instruction[] {
  return stage.filter((instruction) => instruction.name === name);
}

/** What a stage copies from the folder, or from an earlier stage, without the flags and the destination. */
function sources(stage: readonly Instruction[], fromStage: boolean): readonly string[] {
  return of(stage, 'COPY')
    .filter(({ words }) => (words[0] ?? '').startsWith('--from=build') === fromStage)
    .filter(({ words }) => fromStage || !(words[0] ?? '').startsWith('--'))
    .flatMap(({ words }) => words.filter((word) => !word.startsWith('--')).slice(0, -1));
}

/** The words of an instruction in JSON form. */
function command(name: string): readonly string[] {
  return JSON.parse(of(final, name)[0]?.words.join(' ') ?? '[]') as readonly string[];
}

describe('the stage that builds', () => {
  test('is given every file that it copies by name', () => {
    const named = sources(build, false).filter((source) => source !== '.');
    expect(named).toContain('package-lock.json');
    expect(named.filter((source) => !existsSync(join(ROOT, source)) || ignored.ignores(source))).toEqual([]);
  });

  test('is given all that the build reads, and nothing that was built or installed here', () => {
    const inputs = ['src/main.ts', 'src/workers/worker.ts', 'src/krm/schema/kubernetes.json.gz', 'scripts/build.mjs'];
    const script = scripts.build?.split(' ').at(-1) ?? '';
    for (const input of [...inputs, script, 'scripts/starlark/build.mjs', 'bin/veranda', 'crds', 'LICENSE']) {
      expect(existsSync(join(ROOT, input))).toBe(true);
      expect(ignored.ignores(input)).toBe(false);
    }
    for (const local of ['dist/main.js', 'node_modules/yaml', '.git/config']) expect(ignored.ignores(local)).toBe(true);
  });
});

describe('the stage that is shipped', () => {
  test('takes from the other one what is there after a build', () => {
    const taken = sources(final, true).map((source) => source.replace(/^\/src\//, ''));
    expect(taken).toContain('dist');
    // What is not in the repository, the build makes.
    expect(taken.filter((name) => !['dist', 'node_modules'].includes(name) && !existsSync(join(ROOT, name)))).toEqual(
      [],
    );
    const bundled = readFileSync(join(ROOT, 'scripts/build.mjs'), 'utf8');
    expect(bundled).toContain("join(root, 'dist')");
  });

  test('has the packages that the bundle leaves out', () => {
    const external = /external: \[([^\]]*)\]/.exec(read('scripts/build.mjs'))?.[1] ?? '';
    const names = external.split(',').map((name) => name.trim().replaceAll("'", ''));
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => dependencies[name] === undefined)).toEqual([]);
  });

  test('has git, ssh and certificates for it, and somebody who reaps what git leaves behind', () => {
    const installed = of(final, 'RUN').flatMap(({ words }) => words);
    for (const name of ['git', 'openssh-client', 'ca-certificates', 'tini']) expect(installed).toContain(name);
  });

  test('starts the command that it copied, as nobody', () => {
    const [init, separator, program = ''] = command('ENTRYPOINT');
    expect([init, separator]).toEqual(['/usr/bin/tini', '--']);
    const home = of(final, 'WORKDIR')[0]?.words[0] ?? '';
    expect(existsSync(join(ROOT, program.slice(home.length)))).toBe(true);
    const [user = ''] = of(final, 'USER')[0]?.words ?? [];
    expect(
      user
        .split(':')
        .map(Number)
        .every((id) => id > 0),
    ).toBe(true);
  });

  test('has the Node.js that the command asks for', () => {
    const minimum = Number(/^minimum=(\d+)$/m.exec(read('bin/veranda'))?.[1]);
    const [image = ''] = final[0]?.words ?? [];
    expect(Number(/^node:(\d+)/.exec(image)?.[1])).toBeGreaterThanOrEqual(minimum);
  });
});
