import { writeFile } from 'node:fs/promises';

import { type Command, Option } from 'commander';

import type { SeenStack } from '../../src/assess/see-stack';
import { messageOf, RewindError } from '../../src/errors';
import { OperationLog, type StoredOperation } from '../../src/operations/operation-log';
import { operationName, parseOperationName } from '../../src/operations/record';
import { renderReport, type ReportFormat, reportFormats } from '../../src/operations/render-report';
import { reportOf } from '../../src/operations/report';
import { columns, localTime } from '../output/columns';
import { printJson } from '../output/json';
import { openSession, type StackOptions } from '../session';
import { stackCommand } from '../stack-command';

interface ReportOptions extends StackOptions {
  readonly list?: boolean;
  readonly format: ReportFormat;
  readonly output?: string;
}

/** `rewind report`: what was done to the stack, for whoever writes the post-mortem. */
export function register(program: Command): void {
  stackCommand(program, 'report', 'tell of an operation: what, why, when, by whom, and what came of it', [
    'rewind report                                  # the latest one',
    'rewind report --list',
    'rewind report o12 --format html -o report.html   # one page that needs nothing else',
  ])
    .argument('[operation]', 'e.g. o12; without it the latest')
    .option('--list', 'list the operations')
    .addOption(new Option('-f, --format <format>', 'how').choices(reportFormats).default('text'))
    .option('-o, --output <file>', 'write it to a file')
    .action(async (word: string | undefined, options: ReportOptions) => {
      const { context } = await openSession(options);
      const log = new OperationLog(context.releases, context.name);
      const stored = await log.list();
      if (options.list) {
        if (options.json) printJson(stored.map((it) => ('record' in it ? it.record : damageJson(it))));
        else process.stdout.write(`${listText(stored)}\n`);
        return;
      }
      const found = chosen(stored, word, context.name);
      if ('damage' in found) throw found.damage;
      const { record } = found;
      const seen = (await log.evidence(record)) as SeenStack | undefined;
      const text = options.json
        ? `${JSON.stringify({ ...record, ...(seen && { seen }) }, undefined, 2)}\n`
        : renderReport(reportOf(record, seen), options.format);
      if (options.output === undefined) process.stdout.write(text);
      else {
        await writeFile(options.output, text, { mode: 0o600 }).catch((error: unknown) => {
          throw new RewindError({
            code: 'cli/usage',
            message: `The report cannot be written to ${options.output}: ${messageOf(error)}`,
            fix: 'Name a file that can be written.',
            cause: error,
          });
        });
        process.stdout.write(`Written to ${options.output}.\n`);
      }
    });
}

function chosen(stored: readonly StoredOperation[], word: string | undefined, stack: string): StoredOperation {
  const number = word === undefined ? undefined : parseOperationName(word);
  const found = word === undefined ? stored.at(-1) : stored.find((it) => it.number === number);
  if (found) return found;
  throw new RewindError({
    code: 'operation/unknown',
    message: word === undefined ? `Nothing was done to ${stack} yet.` : `${stack} has no operation ${word}.`,
    fix: 'See which there are: rewind report --list.',
  });
}

function damageJson({ number, ...it }: StoredOperation): object {
  return { number, ...('damage' in it && { damage: it.damage.message }) };
}

function listText(stored: readonly StoredOperation[]): string {
  if (stored.length === 0) return 'Nothing was done yet.';
  const rows = stored.toReversed().map((it) => {
    const name = operationName(it.number);
    if ('damage' in it) return [name, '', '', '', `DAMAGED: ${it.damage.message}`];
    const { startedAt, finishedAt, result, what, message } = it.record;
    const seconds = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
    const why = message === undefined ? '' : `: ${message}`;
    return [name, localTime(new Date(startedAt)), `${seconds.toFixed(1)} s`, result, `${what}${why}`];
  });
  return columns([['operation', 'when', 'took', 'result', 'what'], ...rows]);
}
