import { usualStore } from '../src/project-folder';

/** What the text of a command stands for. */
export interface Op {
  /** E.g. `migrate`. */
  readonly name: string;
  /** `project/stack` of Pulumi. */
  readonly stack: string;
  /** URL of the store, as it is configured. */
  readonly store: string;
}

/** The folder of Pulumi.yaml: pulumi runs commands there, or in that of the program below it. */
const toProject = 'until [ -e Pulumi.yaml ] || [ -e Pulumi.yml ] || [ "$PWD" = / ]; do cd ..; done';

/**
 * The text of a command.
 *
 * @param cli - path of the program that is run, from the folder of Pulumi.yaml
 */
export function opText(cli: string, { name, stack, store }: Op): string {
  const where = store === usualStore ? '' : ` --store ${quoted(store)}`;
  return `${toProject}\nnode ${quoted(cli)} ${name} --stack ${quoted(stack)}${where}`;
}

/** What a text stands for that {@link opText} has made, wherever the program was then; undefined if it is another. */
export function opOf(text: string): Op | undefined {
  const word = String.raw`([\w./:@%+=,-]+|'(?:[^']|'\\'')*')`;
  const command = new RegExp(`^node ${word} (snapshot|restore|migrate|verify) --stack ${word}(?: --store ${word})?$`);
  if (!text.startsWith(`${toProject}\n`)) return undefined;
  const [, cli, name, stack, store] = command.exec(text.slice(toProject.length + 1)) ?? [];
  if (!cli || !name || !stack || !/(^|\/)op\.js$/.test(plain(cli))) return undefined;
  return { name, stack: plain(stack), store: store === undefined ? usualStore : plain(store) };
}

function quoted(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The text of a word that may be {@link quoted}. */
function plain(word: string): string {
  return word.startsWith("'") ? word.slice(1, -1).replaceAll(`'\\''`, "'") : word;
}
