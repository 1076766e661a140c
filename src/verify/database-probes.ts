import type { StackDatabase } from '../actions/open-database';
import { messageOf, RewindError } from '../errors';
import { countContentRoughly } from './row-counts';
import { type LiveSchema, readLiveSchema } from '../postgres/live-schema';
import { readValue } from '../postgres/read-only';
import { revisionNames } from '../postgres/revisions';
import type { ReleasedDatabase } from '../releases/record';
import { type Probe, ProbeFailed } from './probe';
import type { RowCounts } from './row-counts';
import type { SqlCheck, VerifySettings } from './settings';

/** What the probes of a database need. */
export interface DatabaseProbesOptions {
  /** Opens it anew: it may have been restarted since. */
  readonly open: () => Promise<StackDatabase>;
  readonly service: string;
  /** Where the release has left it. @default it has not looked */
  readonly released: ReleasedDatabase | undefined;
  readonly settings: VerifySettings;
  /** Rows of each table when this was looked at last. @default it never was */
  readonly before?: RowCounts;
  /** Hears of the rows of each table. */
  readonly onRows?: (rows: RowCounts) => void;
}

/** That the database answers, stands where the release has left it, and holds what it should. */
export function databaseProbes(options: DatabaseProbesOptions): Probe[] {
  const { service, released, settings } = options;
  let reading: Promise<LiveSchema> | undefined;
  const schema = (): Promise<LiveSchema> =>
    (reading ??= explained(async () => {
      const { server, versionTable } = await options.open();
      return readLiveSchema(server, versionTable);
    }).catch((error: unknown) => {
      reading = undefined; // looked at again
      throw error;
    }));
  return [
    {
      name: `${service} takes queries`,
      level: 'immediate',
      service,
      look: () =>
        explained(async () => {
          // Mostly it is asked for its schema anyway, which needs a psql to itself.
          const hasAnswered =
            released !== undefined &&
            (await schema().then(
              () => true,
              () => false,
            ));
          const { server } = await options.open();
          if (!hasAnswered) await server.query('SELECT 1 AS one');
          return `database ${server.database}`;
        }),
    },
    ...(released
      ? [
          {
            name: `${service} stands at the revision of the release`,
            level: 'immediate' as const,
            service,
            look: async () => {
              const { revisions } = await schema();
              const [is, wanted] = [revisionNames(revisions), revisionNames(released.revisions)];
              if (is !== wanted) throw new ProbeFailed(`${is} instead of ${wanted}`, { mayPass: false });
              return is;
            },
          },
        ]
      : []),
    ...(released?.schema === undefined
      ? []
      : [
          {
            name: `${service} has the schema of the release`,
            level: 'immediate' as const,
            service,
            look: async () => {
              const { fingerprint, objects } = await schema();
              const all = Object.entries(objects).map(([kind, text]) => `${kind} ${text.split(' ')[0]}`);
              if (fingerprint === released.schema) return all.join(', ');
              throw new ProbeFailed(
                'something in it was changed by hand, or by a migration that alembic knows nothing of',
                {
                  mayPass: false,
                },
              );
            },
          },
        ]),
    ...settings.sql.map((it) => holds(it, options)),
    rowsAreThere(options),
  ];
}

function holds(it: SqlCheck, { open, service }: DatabaseProbesOptions): Probe {
  return {
    name: it.name ?? shortened(it.query),
    level: 'functional',
    service,
    look: (signal) =>
      explained(async () => {
        const { server } = await open();
        const value = await readValue(server, it.query, signal);
        const why = misfit(value, it);
        if (why !== undefined) throw new ProbeFailed(why);
        return JSON.stringify(value);
      }),
  };
}

/** How a value is not what a check wants; undefined if it is. */
export function misfit(value: unknown, { equals, atLeast, atMost }: SqlCheck): string | undefined {
  const is = JSON.stringify(value);
  if (equals !== undefined && String(value) !== String(equals)) return `${is} instead of ${JSON.stringify(equals)}`;
  const number = Number(value);
  if ((atLeast !== undefined || atMost !== undefined) && (value === null || Number.isNaN(number)))
    return `${is} is no number`;
  if (atLeast !== undefined && number < atLeast) return `${is}, which is less than ${atLeast}`;
  if (atMost !== undefined && number > atMost) return `${is}, which is more than ${atMost}`;
  const isBare = equals === undefined && atLeast === undefined && atMost === undefined;
  return isBare && value !== true ? `${is} instead of true` : undefined;
}

function rowsAreThere({ open, service, before, onRows, settings }: DatabaseProbesOptions): Probe {
  return {
    name: `${service} has lost no rows`,
    level: 'full',
    service,
    attempts: 1,
    look: () =>
      explained(async () => {
        const { server } = await open();
        const now = await countContentRoughly(server);
        onRows?.(now);
        const total = Object.values(now).reduce((all, rows) => all + rows, 0);
        if (!before) return `${total} rows; nothing to compare with yet`;
        const lost = Object.entries(before).flatMap(([table, was]) => {
          const is = now[table] ?? 0;
          return was > 0 && is < was * (1 - settings.rowsLost / 100) ? [`${table}: ${is} of ${was} rows`] : [];
        });
        if (lost.length > 0) throw new ProbeFailed(`more than ${settings.rowsLost} % are gone: ${lost.join('; ')}`);
        return `${total} rows`;
      }),
  };
}

/** An error of the database in one line. */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ProbeFailed) throw error;
    throw new ProbeFailed(error instanceof RewindError ? error.message.split('\n')[0]! : messageOf(error));
  }
}

function shortened(query: string): string {
  const line = query.replaceAll(/\s+/g, ' ').trim();
  return line.length <= 60 ? line : `${line.slice(0, 59)}…`;
}
