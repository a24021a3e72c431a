import { describe, expect, test } from '@jest/globals';
import { withMergeKeys } from '../../../../src/task/mutations/merge-keys.ts';
import { packageOf, textOf } from '../support.ts';

function marked(text: string): string {
  const once = withMergeKeys(packageOf({ 'a.yaml': text })).pkg;
  expect(textOf(withMergeKeys(once).pkg, 'a.yaml')).toBe(textOf(once, 'a.yaml'));
  return textOf(once, 'a.yaml');
}

describe('merge keys', () => {
  test('7.2.32: every document gets the comment and the annotation, and keeps its own comments', () => {
    const text = `# head
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web # the name
  namespace: prod
---
# only a comment
---
apiVersion: v1
kind: Service
metadata:
  namespace: prod
  name: web
`;
    expect(marked(text)).toBe(`# head
apiVersion: apps/v1
kind: Deployment
metadata: # kpt-merge: prod/web
  name: web # the name
  namespace: prod
  annotations:
    internal.kpt.dev/upstream-identifier: apps|Deployment|prod|web
---
# only a comment
---
apiVersion: v1
kind: Service
metadata: # kpt-merge: prod/web
  namespace: prod
  name: web
  annotations:
    internal.kpt.dev/upstream-identifier: '|Service|prod|web'
`);
  });

  test('7.2.33: a merge comment that is there stays and says the identity', () => {
    const text = marked('apiVersion: v1\nkind: ConfigMap\nmetadata: # kpt-merge: ns/old\n  name: new\n');
    expect(text).toContain('metadata: # kpt-merge: ns/old\n');
    expect(text).toContain("internal.kpt.dev/upstream-identifier: '|ConfigMap|ns|old'");
  });

  test('7.2.34: without a namespace the comment has none and the annotation says default', () => {
    const text = marked('apiVersion: v1\nkind: Namespace\nmetadata:\n  name: example\n');
    expect(text).toContain('metadata: # kpt-merge: /example\n');
    expect(text).toContain("internal.kpt.dev/upstream-identifier: '|Namespace|default|example'");
  });

  test("an author's own comment on metadata stays", () => {
    const text = marked('apiVersion: v1\nkind: ConfigMap\nmetadata: # see the wiki\n  name: a\n');
    expect(text).toContain('metadata: # see the wiki\n');
    expect(text).toContain('upstream-identifier');
  });

  test.each(['a: 1\n', 'metadata: {}\n', '- 1\n', 'metadata:\n  annotations:\n    a: b\n', '# nothing\n', ''])(
    'leaves %j alone',
    (text) => {
      expect(marked(text)).toBe(text);
    },
  );

  test('7.2.35: a file that cannot be read keeps its bytes, with a warning, and the others are marked', () => {
    const good = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n';
    const { pkg, warnings } = withMergeKeys(
      packageOf({ 'bad.yaml': 'a: [1\n', 'good.yaml': good, 'x.json': '{"metadata":{"name":"a"}}' }),
    );
    expect(textOf(pkg, 'bad.yaml')).toBe('a: [1\n');
    expect(textOf(pkg, 'x.json')).toBe('{"metadata":{"name":"a"}}');
    expect(textOf(pkg, 'good.yaml')).toContain('# kpt-merge: /a');
    expect(warnings).toEqual([expect.stringMatching(/^bad\.yaml:\d+ /)]);
  });
});
