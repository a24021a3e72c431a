import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BenchResult, formatResult, RESULTS, ROOT } from './support/results.ts';

const INTRODUCTION = `# Performance

Written by \`node test/bench/report.ts\` from what \`make bench\`, \`bench-local\`, \`bench-fleet\`, \`bench-cluster\` and
\`bench-pods\` left; not edited by hand. Every run makes its inputs anew from a seed (\`SEED=n make bench\` repeats one), and what is said of a process is
measured outside of it. Times move with the machine and with what else it does: compare ratios.
`;

const files = (await readdir(RESULTS)).filter((name) => name.endsWith('.json')).sort();
const results = await Promise.all(
  files.map(async (name) => JSON.parse(await readFile(join(RESULTS, name), 'utf8')) as BenchResult),
);
const path = join(ROOT, 'docs/performance.md');
await writeFile(path, [INTRODUCTION, ...results.map(formatResult)].join('\n'));
process.stdout.write(`${path}\n`);
