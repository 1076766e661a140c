import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { format, resolveConfig } from 'prettier';

import { installDir } from '../../toolchain/places';
import type { TestStack } from './stack';

const docs = join(installDir, 'docs');
const parts = { containers: 'Containers', others: 'Networks, volumes, images, files, state', database: 'The database' };
type Part = keyof typeof parts;
const isWanted = process.env['REWIND_DRIFT_REFRESH'] === '1';

const begin = (part: Part): string => `<!-- ${part} -->`;
const end = (part: Part): string => `<!-- end of ${part} -->`;

const template = `# What Pulumi's own refresh sees

Each drift of the catalogue is made for real, found by \`rewind drift\`, looked for by \`pulumi preview --refresh\`, and put right
again. The tables, and the list of what a refresh does not see in [drift.md](drift.md), are written by the tests that do it:
\`REWIND_DRIFT_REFRESH=1 npx vitest run --project integration test/integration/drift-*.test.ts\`.
${(Object.keys(parts) as Part[]).map((part) => `\n## ${parts[part]}\n\n${begin(part)}\n\n${end(part)}\n`).join('')}`;

/** A drift that was made, and what was seen of it. */
interface Row {
  readonly name: string;
  readonly ids: readonly string[];
  /** By the refresh. @default nothing */
  readonly seen?: string;
}

/**
 * What `pulumi preview --refresh` sees of drifts that are made for real: docs/drift-refresh.md and a list in docs/drift.md are
 * made of it. Since a preview of each takes minutes, that is done where REWIND_DRIFT_REFRESH=1 asks for it.
 */
export class SeenByRefresh {
  readonly #part: Part;
  readonly #rows: Row[] = [];

  /** @param part - of the page */
  constructor(part: Part) {
    this.#part = part;
  }

  /** Looks at a stack in which a drift has been made, and which has the findings with these IDs. */
  async look(stack: TestStack, name: string, ids: readonly string[]): Promise<void> {
    if (!isWanted) return;
    const { ok, output } = await stack.tryPulumi(['preview', '--refresh', '--json']);
    const seen = ok ? seenIn(output) : 'the preview fails';
    this.#rows.push({ name, ids, ...(seen !== '' && { seen }) });
  }

  /** Writes its parts of the pages. */
  async write(): Promise<void> {
    if (!isWanted) return;
    const table = [
      '| What was done | `rewind drift` | `pulumi preview --refresh` |',
      '| --- | --- | --- |',
      ...this.#rows.map(({ name, ids, seen }) => {
        const named = ids.map((id) => `\`${id.replaceAll('|', String.raw`\|`)}\``).join('<br>');
        return `| ${name.replaceAll('|', String.raw`\|`)} | ${named} | ${seen ?? '**nothing**'} |`;
      }),
    ];
    await this.#writePart('drift-refresh.md', table.join('\n'), template);
    const unseen = this.#rows.filter(({ seen }) => seen === undefined).map(({ name }) => name);
    const list = `- ${parts[this.#part]} (${unseen.length} of ${this.#rows.length}): ${unseen.join('; ') || 'none'}.`;
    await this.#writePart('drift.md', list);
  }

  async #writePart(name: string, content: string, otherwise = ''): Promise<void> {
    const page = join(docs, name);
    const text = await readFile(page, 'utf8').catch(() => otherwise);
    const at = [text.indexOf(begin(this.#part)), text.indexOf(end(this.#part))] as const;
    if (at[0] < 0 || at[1] < at[0]) throw new Error(`${page} has no part ${this.#part}`);
    const made = `${text.slice(0, at[0])}${begin(this.#part)}\n\n${content}\n\n${text.slice(at[1])}`;
    await writeFile(page, await format(made, { ...(await resolveConfig(page)), parser: 'markdown' }));
  }
}

/** What a preview would do, by the kind of resource; empty if it would do nothing. */
function seenIn(output: string): string {
  const { steps } = JSON.parse(output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1)) as {
    steps: { op: string; urn: string }[];
  };
  const changes = steps.filter(({ op }) => !['same', 'refresh', 'read'].includes(op));
  const kinds = changes.map(({ op, urn }) => `${op} ${kindOf(urn)}`);
  return [...new Set(kinds)].sort().join(', ');
}

/** `container` of `urn:pulumi:dev::shop::rewind:compose:Stack$docker:index/container:Container::shop-web-1`. */
function kindOf(urn: string): string {
  const type = urn.split('::')[2]!.split('$').at(-1)!;
  return type.slice(type.lastIndexOf(':') + 1).toLowerCase();
}
