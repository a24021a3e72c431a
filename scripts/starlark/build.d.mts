/** Writes `starlark.wasm` into a folder; false, with a notice, when it cannot be made on this machine. */
export function buildStarlark(outdir: string): Promise<boolean>;
