import { spawn } from 'node:child_process';
import { binary } from './binaries.ts';

export interface KubectlResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs kubectl with a kubeconfig and gives all that it printed, whatever its exit code. */
export async function tryKubectl(kubeconfig: string, args: readonly string[], stdin = ''): Promise<KubectlResult> {
  const child = spawn(await binary('kubectl'), ['--kubeconfig', kubeconfig, ...args], { stdio: 'pipe' });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  return { code, ...output };
}

/** What kubectl prints. @throws Error with what it said when it fails */
export async function kubectl(kubeconfig: string, args: readonly string[], stdin = ''): Promise<string> {
  const { code, stdout, stderr } = await tryKubectl(kubeconfig, args, stdin);
  if (code === 0) return stdout;
  throw new Error(`kubectl ${args.join(' ')} ended with ${code}:\n${stderr}${stdout}`);
}
