import type { GatewayOptions } from '../../../src/controllers/repository/gateway.ts';
import { createGitRepository } from '../../../src/repository/git/repository.ts';
import { openGitStore } from '../../../src/repository/git/store/open.ts';

export interface GitCall {
  /** `repository.<method>` or `store.<method>`. */
  readonly method: string;
  readonly args: readonly unknown[];
}

/** Writes down what is called between the controllers and git. */
export class GitCalls {
  #calls: GitCall[] = [];

  /** For the gateway. */
  get open(): Pick<GatewayOptions, 'openStore' | 'createRepository'> {
    return {
      openStore: async (options) => this.#watch('store', await openGitStore(options)),
      createRepository: (store, options) => this.#watch('repository', createGitRepository(store, options)),
    };
  }

  /** The calls since the last time. */
  take(): readonly GitCall[] {
    const calls = this.#calls;
    this.#calls = [];
    return calls;
  }

  #watch<T extends object>(port: string, target: T): T {
    return new Proxy(target, {
      get: (_, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          this.#calls.push({ method: `${port}.${String(name)}`, args });
          return Reflect.apply(member, target, args);
        };
      },
    });
  }
}
