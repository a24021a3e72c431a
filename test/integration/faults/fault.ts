import type { GatewayOptions } from '../../../src/controllers/repository/gateway.ts';
import { createGitRepository } from '../../../src/repository/git/repository.ts';
import { openGitStore } from '../../../src/repository/git/store/open.ts';
import { GIT_STORE_METHODS } from '../../../src/repository/git/types.ts';
import { DRAFT_METHODS, type Draft, PACKAGE_REPOSITORY_METHODS } from '../../../src/repository/types.ts';

/** Every method of the ports between the controllers and git, as `port.method`. */
export const METHODS: readonly string[] = [
  ...PACKAGE_REPOSITORY_METHODS.map((method) => `repository.${method}`),
  ...DRAFT_METHODS.map((method) => `draft.${method}`),
  ...GIT_STORE_METHODS.map((method) => `store.${method}`),
];

/** Kills the process at one call of one method. */
export interface Kill {
  /** One of METHODS. */
  readonly method: string;
  /** 1 for the first call of the process. */
  readonly occurrence: number;
  readonly side: 'before' | 'after';
}

/** Calls of each of METHODS; none that never was called. */
export type CallCounts = Readonly<Record<string, number>>;

/** Wraps the ports: counts their calls and, if asked to, kills the process at one of them. */
export class Hooks {
  readonly #kill: Kill | undefined;
  readonly #counts = new Map<string, number>();

  constructor(kill: Kill | undefined) {
    this.#kill = kill;
  }

  get counts(): CallCounts {
    return Object.fromEntries(this.#counts);
  }

  /** For the gateway. */
  get open(): Required<Pick<GatewayOptions, 'openStore' | 'createRepository'>> {
    return {
      openStore: async (options) => this.#wrap('store', await openGitStore(options)),
      createRepository: (store, options) => this.#wrap('repository', createGitRepository(store, options)),
    };
  }

  /** @throws when a method is called that METHODS lacks: then the port's list is not complete */
  #wrap<T extends object>(port: string, target: T): T {
    return new Proxy(target, {
      get: (_, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        const method = `${port}.${String(name)}`;
        if (!METHODS.includes(method)) throw new Error(`${method} is missing in the list of the port's methods`);
        return (...args: unknown[]) => this.#call(method, () => Reflect.apply(member, target, args));
      },
    });
  }

  async #call(method: string, call: () => unknown): Promise<unknown> {
    const occurrence = (this.#counts.get(method) ?? 0) + 1;
    this.#counts.set(method, occurrence);
    const isHit = this.#kill?.method === method && this.#kill.occurrence === occurrence;
    if (isHit && this.#kill?.side === 'before') killSelf();
    try {
      const result = await call();
      return DRAFT_MAKERS.includes(method) ? this.#wrap('draft', result as Draft) : result;
    } finally {
      if (isHit) killSelf();
    }
  }
}

const DRAFT_MAKERS = ['repository.createDraft', 'repository.openDraft'];

function killSelf(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('still alive');
}
