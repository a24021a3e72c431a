import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  applyFields,
  fieldsOf,
  type Managers,
  managerKey,
  updateOwners,
} from '../../../../../src/kube/adapters/embedded/managed-fields.ts';
import type { JsonMap } from '../../../../../src/kube/json.ts';

const [alice, bob] = [managerKey('alice', 'Apply'), managerKey('bob', 'Apply')];

const keys = fc.constantFrom('a', 'b', 'c', '__proto__', 'toString');
const leaf = fc.oneof(fc.nat(3), fc.constantFrom('x', null), fc.array(fc.nat(2), { maxLength: 2 }));
const { tree } = fc.letrec<{ tree: JsonMap }>((tie) => ({
  tree: fc.dictionary(keys, fc.oneof({ maxDepth: 3 }, leaf, tie('tree')), { maxKeys: 3 }),
}));
/** The same with keys that `tree` has not. */
const elsewhere = tree.map((value): JsonMap => ({ elsewhere: value }));

describe('applyFields', () => {
  test('what one manager applies to nothing is what it gets, each time', () => {
    fc.assert(
      fc.property(fc.array(tree, { minLength: 1, maxLength: 4 }), (versions) => {
        let state: { value: JsonMap; managers: Managers } = { value: {}, managers: {} };
        for (const version of versions) {
          const applied = applyFields(state.value, version, alice, state.managers);
          state = { ...applied };
          expect(state.value).toEqual(version);
        }
      }),
    );
  });

  test('an apply that is repeated changes nothing', () => {
    fc.assert(
      fc.property(tree, tree, tree, (live, hers, his) => {
        const one = applyFields(live, hers, alice, updateOwners({}, live, managerKey('carol', 'Update'), {}));
        const two = applyFields(one.value, his, bob, one.managers);

        expect(applyFields(two.value, his, bob, two.managers)).toEqual(two);
      }),
    );
  });

  test('what is applied is in the result, whatever was there', () => {
    fc.assert(
      fc.property(tree, tree, tree, (first, other, second) => {
        const one = applyFields({}, first, alice, {});
        const two = applyFields(one.value, other, bob, one.managers);
        const three = applyFields(two.value, second, alice, two.managers);

        // Nothing differs when the same is laid over the result.
        expect(applyFields(three.value, second, 'third', {}).value).toEqual(three.value);
      }),
    );
  });

  test('managers of different fields do not see each other', () => {
    fc.assert(
      fc.property(tree, tree, elsewhere, (first, second, his) => {
        const one = applyFields({}, first, alice, {});
        const two = applyFields(one.value, his, bob, one.managers);
        const three = applyFields(two.value, second, alice, two.managers);

        expect(three.value).toEqual({ ...second, ...his });
        expect(three.managers[bob]).toEqual(fieldsOf(his));
      }),
    );
  });

  test('applying nothing leaves what others own', () => {
    fc.assert(
      fc.property(tree, tree, (hers, his) => {
        const one = applyFields({}, hers, alice, {});
        const two = applyFields(one.value, his, bob, one.managers);

        expect(applyFields(two.value, {}, alice, two.managers).value).toEqual(his);
      }),
    );
  });
});
