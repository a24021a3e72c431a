/** What is used of the engine's WebAssembly interface, which Node's own type declarations leave to the browser's. */
declare namespace WebAssembly {
  type ModuleImports = { readonly [name: string]: (...values: never[]) => number };

  class Module {
    constructor(bytes: Uint8Array);
  }

  class Instance {
    readonly exports: { readonly [name: string]: unknown };
    constructor(module: Module, imports: { readonly [module: string]: ModuleImports });
  }

  interface Memory {
    readonly buffer: ArrayBuffer;
  }
}
