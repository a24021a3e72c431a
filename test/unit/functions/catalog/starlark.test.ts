import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { buildStarlark } from '../../../../scripts/starlark/build.mjs';
import { createBuiltinRuntime } from '../../../../src/functions/builtin-runtime.ts';
import { StarlarkEngine } from '../../../../src/functions/catalog/starlark/engine.ts';
import { createStarlark } from '../../../../src/functions/catalog/starlark/function.ts';
import type { FunctionItem } from '../../../../src/functions/types.ts';
import { getIn, type KrmMap } from '../../../../src/krm/value.ts';
import { itemsOf, messages, run, values } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'veranda-starlark-'));
const file = pathToFileURL(join(folder, 'starlark.wasm'));
const RESOURCES =
  'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  x: "1"\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: b\n  namespace: prod\n';

/** One for all tests: what it compiled is kept, what a script did is not. */
const engine = new StarlarkEngine({ file, limits: { maxSteps: 3_000_000, timeoutMs: 2000, outputBytes: 1 << 20 } });
let built = false;

beforeAll(async () => {
  built = await buildStarlark(folder);
  if (!built) console.error('PASSED OVER: Go is not installed, the starlark function is not tested');
});

/** A test that needs the interpreter. */
function scripted(name: string, body: () => void): void {
  test(name, () => (built ? body() : undefined));
}

function starlark(source: string, items = itemsOf(RESOURCES), params?: KrmMap) {
  const config = {
    apiVersion: 'fn.kpt.dev/v1alpha1',
    kind: 'StarlarkRun',
    metadata: { name: 'script' },
    source,
    params,
  };
  return run(createStarlark(engine), items, config);
}

describe('starlark: what a script sees and leaves', () => {
  scripted('it changes resources in place; what it leaves alone is the same item', () => {
    const items = itemsOf(RESOURCES);
    const output = starlark(
      'for r in ctx.resource_list["items"]:\n  if r["kind"] == "Deployment":\n    r["metadata"]["namespace"] = "x"',
      items,
    );
    expect(output).toMatchObject({ exitCode: 0, results: [] });
    expect(output.items[0]).toBe(items[0]);
    expect(output.items[1]).toMatchObject({ id: items[1]?.id, path: 'a.yaml', index: 1 });
    expect(output.items[1]?.value).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'b', namespace: 'x' },
    });
  });

  scripted('it removes and adds resources; keys come in the order that files have', () => {
    const output = starlark(
      'l = ctx.resource_list["items"]\nl.pop(0)\nl.append({"kind": "B", "spec": {"b": 1, "a": 2}, "metadata": {"labels": {}, "name": "n"}, "apiVersion": "x/v1"})',
    );
    expect(output.items.map(({ value }) => value.kind)).toEqual(['Deployment', 'B']);
    expect(JSON.stringify(output.items[1]?.value)).toBe(
      '{"apiVersion":"x/v1","kind":"B","metadata":{"name":"n","labels":{}},"spec":{"a":2,"b":1}}',
    );
    expect(output.items[1]).toMatchObject({ path: undefined, index: undefined });
  });

  scripted('parameters are in its configuration', () => {
    const output = starlark(
      'ctx.resource_list["items"][0]["data"]["x"] = ctx.resource_list["functionConfig"]["params"]["v"]',
      undefined,
      { v: 'two' },
    );
    expect(getIn(values(output)[0], ['data', 'x'])).toBe('two');
  });

  scripted('a ConfigMap may hold the script', () => {
    const output = run(createStarlark(engine), itemsOf(RESOURCES), {
      source: 'ctx.resource_list["items"] = []',
    });
    expect(output).toMatchObject({ exitCode: 0, items: [] });
  });

  scripted('integers of any size, null and text stay what they are', () => {
    const items: FunctionItem[] = [
      { value: { apiVersion: 'v1', kind: 'A', big: 12345678901234567891n, none: null, one: 1.5 } },
    ];
    const output = starlark('ctx.resource_list["items"][0]["new"] = 98765432109876543210 + 1', items);
    expect(values(output)).toEqual([
      { apiVersion: 'v1', kind: 'A', big: 12345678901234567891n, new: 98765432109876543211n, none: null, one: 1.5 },
    ]);
  });

  scripted('paths are annotations under both of their names; a change of one moves the resource', () => {
    const move = (name: string) =>
      starlark(`r = ctx.resource_list["items"][0]\nr["metadata"]["annotations"]["${name}"] = "dir/new.yaml"`).items[0];
    for (const name of ['internal.config.kubernetes.io/path', 'config.kubernetes.io/path']) {
      expect(move(name)).toMatchObject({ path: 'dir/new.yaml', index: 0, id: 1 });
      expect(getIn(move(name)?.value, ['metadata', 'annotations'])).toBeUndefined();
    }
  });

  scripted('what it prints is its standard error', () => {
    expect(starlark('print("hello")\nprint(1 + 1)').stderr).toBe('hello\n2\n');
  });
});

describe('starlark: modules', () => {
  const answer = (source: string) =>
    getIn(values(starlark(`${source}\nctx.resource_list["items"][0]["answer"] = answer`))[0], ['answer']);

  scripted('krmfn compares group and version exactly', () => {
    const source =
      'load("krmfn.star", "krmfn")\nr = {"apiVersion": "serving.test/v1", "kind": "Service", "metadata": {"name": "n", "namespace": "s"}}\n';
    const asked =
      'answer = [krmfn.match_gvk(r, "v1", "Service"), krmfn.match_gvk(r, "serving.test/v1", "Service"), krmfn.match_name(r, "n"), krmfn.match_name(r, "m"), krmfn.match_namespace(r, "s"), krmfn.match_namespace({"metadata": {}}, "")]';
    expect(answer(source + asked)).toEqual([false, true, true, false, true, true]);
  });

  scripted('encoding, hash and regular expressions', () => {
    expect(answer('load("encoding/yaml.star", "yaml")\nanswer = yaml.dumps(yaml.loads("b: [1, x]\\na: true"))')).toBe(
      'a: true\nb:\n- 1\n- x\n',
    );
    expect(answer('load("encoding/base64.star", "base64")\nanswer = base64.decode(base64.encode("hi?"))')).toBe('hi?');
    expect(answer('load("hash.star", "hash")\nanswer = hash.sha1("")')).toBe(
      'da39a3ee5e6b4b0d3255bfef95601890afd80709',
    );
    expect(answer('load("re.star", "re")\nanswer = re.sub(r"v(\\d+)", "w${1}", "v12 v3")')).toBe('w12 w3');
    expect(answer('load("re.star", "re")\nanswer = re.compile(r"\\d+").findall("a1b22")')).toEqual(['1', '22']);
    expect(answer('load("re.star", "re")\nanswer = re.search(pattern=r"b+", string="abb")')).toEqual([1, 3]);
  });

  scripted('json, math, time and struct are there without a load', () => {
    expect(
      answer('answer = [json.encode({"a": 1}), math.floor(1.7), struct(a = 2).a, time.parse_duration("1h").hours]'),
    ).toEqual(['{"a":1}', 1, 2, 1]);
  });

  scripted('nothing reaches out of the script', () => {
    const output = starlark('load("http.star", "http")');
    expect(messages(output)[0]).toContain('there is no module "http.star"');
    expect(getIn(values(starlark('ctx.resource_list["items"][0]["env"] = ctx.environment'))[0], ['env'])).toEqual({});
  });
});

describe('starlark: failures', () => {
  scripted('H 164: fail() is an error result with its text; standard error says where', () => {
    const items = itemsOf(RESOURCES);
    const output = starlark('def f():\n  fail("x")\nf()', items);
    expect(output).toMatchObject({ exitCode: 1, items, results: [{ message: 'fail: x', severity: 'error' }] });
    expect(output.stderr).toContain('script:2:7: in f');
  });

  test.each([
    ['a syntax error', 'x = (1', "script:1:7: got end of file, want ')'"],
    ['an unknown name', 'y', 'script:1:1: undefined: y'],
    [
      'H 164: an endless loop',
      'while True:\n  pass',
      'Starlark computation cancelled: the script took more than 3000000 steps',
    ],
    [
      'a loop that takes long',
      'x = "a" * 1000000\nwhile True:\n  x.find("b")',
      'Starlark computation cancelled: the script took too long',
    ],
    ['too much memory', 'x = "a"\nwhile True:\n  x = x + x', 'the script needs more memory than it may have'],
    ['endless recursion', 'def f(n): return f(n) + 1\nf(1)', 'the calls of the script are nested too deeply'],
    [
      'too much output',
      'ctx.resource_list["items"] = [{"a": "x" * 1000000}, {"a": "x" * 1000000}]',
      'the script leaves more than 1048576 bytes of items',
    ],
    [
      'data that contains itself',
      'r = ctx.resource_list["items"][0]\nr["self"] = r',
      'data is nested more than 1000 levels deep',
    ],
    ['a list of no dicts', 'ctx.resource_list["items"] = [1]', 'ctx.resource_list["items"][0] is no dict'],
    ['no list', 'ctx.resource_list["items"] = 1', 'ctx.resource_list["items"] must be a list, not int'],
    ['no items', 'ctx.resource_list.pop("items")', 'ctx.resource_list["items"] is missing'],
    ['a set', 'ctx.resource_list["items"][0]["a"] = set()', 'unrecognized starlark type: set'],
    [
      'a key that is none',
      'ctx.resource_list["items"][0][None] = 1',
      'the key of a map must be a string, not NoneType',
    ],
    [
      'a number that is none',
      'ctx.resource_list["items"][0]["a"] = float("nan")',
      'nan is no number that a resource can hold',
    ],
  ])('%s', (_, source, message) => {
    if (!built) return;
    const output = starlark(source);
    expect(output.exitCode).toBe(1);
    expect(messages(output)).toEqual([message]);
  });

  test.each<[string, KrmMap | undefined, string]>([
    ['no configuration', undefined, 'FunctionConfig is missing. Expect `ConfigMap` or `StarlarkRun`'],
    ['no source', { kind: 'StarlarkRun', apiVersion: 'fn.kpt.dev/v1alpha1' }, '`source` must not be empty'],
    [
      'another kind',
      { apiVersion: 'v1', kind: 'Secret' },
      '`functionConfig` must be either /v1, Kind=ConfigMap or fn.kpt.dev/v1alpha1, Kind=StarlarkRun, but we got: Kind=Secret ApiVersion=v1',
    ],
  ])('%s', (_, config, message) => {
    const output = run(createStarlark(engine), [], config);
    expect(output.exitCode).toBe(1);
    expect(messages(output)).toEqual([message]);
  });

  scripted('one script leaves nothing behind for the next', () => {
    const fn = createStarlark(engine);
    const config = (source: string) => ({ apiVersion: 'fn.kpt.dev/v1alpha1', kind: 'StarlarkRun', source });
    expect(run(fn, [], config('x = 1')).exitCode).toBe(0);
    expect(messages(run(fn, [], config('print(x)')))[0]).toContain('undefined: x');
  });

  test('a build without the interpreter leaves the image to other runtimes', () => {
    const missing = new StarlarkEngine({ file: pathToFileURL(join(folder, 'none.wasm')) });
    const runtime = createBuiltinRuntime({ functions: [createStarlark(missing)] });
    expect(runtime.runner({ image: 'starlark' })).toBeUndefined();
  });
});
