import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { format, resolveConfig } from 'prettier';

import { installDir } from '../../toolchain/places';
import type { TestStack } from './stack';

const page = join(installDir, 'docs', 'drift-refresh.md');
const parts = { containers: 'Containers', others: 'Networks, volumes, images, files, state', database: 'The database' };
const template = `# What Pulumi's own refresh sees

Each drift of the catalogue is made for real, found by \`rewind drift\`, looked for by \`pulumi preview --refresh\`, and put right
again. The tables are written by the tests that do it: \`REWIND_DRIFT_REFRESH=1 npx vitest run --project integration
test/integration/drift-*.test.ts\`.
${Object.entries(parts)
  .map(([part, title]) => `\n## ${title}\n\n<!-- ${part} -->\n\n<!-- end of ${part} -->\n`)
  .join('')}`;
const isWanted = process.env['REWIND_DRIFT_REFRESH'] === '1';

/**
 * What `pulumi preview --refresh` sees of drifts that are made for real: part of docs/drift-refresh.md is made of it. Since a
 * preview of each takes minutes, that is done where REWIND_DRIFT_REFRESH=1 asks for it.
 */
export class SeenByRefresh {
  readonly #part: keyof typeof parts;
  readonly #rows: string[] = [];

  /** @param part - of the page */
  constructor(part: keyof typeof parts) {
    this.#part = part;
  }

  /** Looks at a stack in which a drift has been made, and which has the findings with these IDs. */
  async look(stack: TestStack, name: string, ids: readonly string[]): Promise<void> {
    if (!isWanted) return;
    const { ok, output } = await stack.tryPulumi(['preview', '--refresh', '--json']);
    const named = ids.map((id) => `\`${id.replaceAll('|', String.raw`\|`)}\``).join('<br>');
    this.#rows.push(`| ${name} | ${named} | ${ok ? seen(output) : 'the preview fails'} |`);
  }

  /** Writes the part of the page. */
  async write(): Promise<void> {
    if (!isWanted) return;
    const text = await readFile(page, 'utf8').catch(() => template);
    const [begin, end] = [`<!-- ${this.#part} -->`, `<!-- end of ${this.#part} -->`];
    const table = [
      '| What was done | `rewind drift` | `pulumi preview --refresh` |',
      '| --- | --- | --- |',
      ...this.#rows,
    ];
    const at = [text.indexOf(begin) + begin.length, text.indexOf(end)] as const;
    if (at[1] < at[0]) throw new Error(`${page} has no part ${this.#part}`);
    const made = `${text.slice(0, at[0])}\n\n${table.join('\n')}\n\n${text.slice(at[1])}`;
    await writeFile(page, await format(made, { ...(await resolveConfig(page)), parser: 'markdown' }));
  }
}

/** What a preview would do, by the kind of resource. */
function seen(output: string): string {
  const { steps } = JSON.parse(output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1)) as {
    steps: { op: string; urn: string }[];
  };
  const changes = steps.filter(({ op }) => !['same', 'refresh', 'read'].includes(op));
  const kinds = changes.map(({ op, urn }) => `${op} ${kindOf(urn)}`);
  return kinds.length === 0 ? '**nothing**' : [...new Set(kinds)].sort().join(', ');
}

/** `container` of `urn:pulumi:dev::shop::rewind:compose:Stack$docker:index/container:Container::shop-web-1`. */
function kindOf(urn: string): string {
  const type = urn.split('::')[2]!.split('$').at(-1)!;
  return type.slice(type.lastIndexOf(':') + 1).toLowerCase();
}
