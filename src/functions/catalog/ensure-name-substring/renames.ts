import { resourceId } from '../../../krm/identity.ts';
import { isNamespaced } from '../../scope.ts';
import type { FunctionItem } from '../../types.ts';

/** Which resources got which new name. */
export class Renames {
  readonly #names = new Map<string, string>();

  add({ value }: FunctionItem, name: string): void {
    const id = resourceId(value);
    this.#names.set(key(`${id.group}/${id.kind}`, isNamespaced(value) ? id.namespace : '', id.name), name);
  }

  get size(): number {
    return this.#names.size;
  }

  /**
   * The new name of a resource; the old one when it has none.
   * @param kind `<group>/<kind>`
   * @param namespace of what refers to it; resources of the cluster are found from any
   */
  nameOf(kind: string, namespace: string, name: string): string {
    return this.#names.get(key(kind, namespace, name)) ?? this.#names.get(key(kind, '', name)) ?? name;
  }
}

function key(kind: string, namespace: string, name: string): string {
  return JSON.stringify([kind, namespace === 'default' ? '' : namespace, name]);
}
