import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { LossOutlook } from '../../src/loss/outlook';
import { execIn } from '../support/docker';
import { TestStack } from '../support/stack';
import { buildImage, removeTaggedImages, tagImage } from '../support/tagged-images';
import { databaseService } from '../support/test-database';

// A real alembic in two images of the example's API: the second has two migrations more, one of them without a way back.

const project = 'rewind-outlook';
const api = (tag: string): string => `rewind-outlook/api:${tag}`;

/** A migration as a line of a Dockerfile. */
const migration = (revision: string, down: string, about: string, upgrade: string, downgrade: string): string => {
  const source = [
    `"""${about}"""`,
    'from alembic import op',
    `revision = "${revision}"`,
    `down_revision = "${down}"`,
    `def upgrade():\\n    op.execute("${upgrade}")`,
    `def downgrade():\\n    ${downgrade}`,
  ];
  return `RUN printf '%b' '${source.join('\\n')}\\n' > /app/migrations/versions/${revision}.py`;
};

interface Plan {
  readonly data: string;
  readonly obstacles: readonly { readonly code: string }[];
  readonly database: {
    readonly revisions: readonly string[];
    readonly releaseRevisions?: readonly string[];
    readonly newer?: readonly { readonly revision: string; readonly downgrades: boolean }[];
    readonly snapshot?: { readonly id: string };
    readonly unknown?: string;
    readonly loss?: LossOutlook;
  };
}

const compose = {
  services: {
    db: databaseService('apex', { password: 'apex-example' }),
    api: {
      image: api('v1'),
      command: ['sleep', 'infinity'],
      init: true,
      environment: {
        APEX_DB_HOST: 'db',
        APEX_DB_NAME: 'apex',
        APEX_DB_USER: 'apex',
        APEX_DB_PASSWORD: 'apex-example',
      },
      depends_on: { db: { condition: 'service_healthy' } },
    },
  },
  volumes: { data: {} },
};

let stack: TestStack;
let snapshot: string;

const plan = async (...args: string[]): Promise<Plan> => stack.rewindJson<Plan>(['plan', 'r1', ...args]);

const sql = (text: string): Promise<string> =>
  execIn(`${project}-db-1`, 'psql', '-X', '-At', '-P', 'pager=off', '-U', 'apex', '-c', text);

beforeAll(async () => {
  await tagImage('apex-api:v0.1.0', api('v1'));
  await buildImage(
    api('v2'),
    'FROM apex-api:v0.1.0',
    'USER root',
    migration('0002', '0001', 'Wind zones', 'CREATE TABLE zones (id int)', 'op.drop_table("zones")'),
    'USER 10001:10001',
  );
  await buildImage(
    api('v3'),
    `FROM ${api('v2')}`,
    'USER root',
    migration('0003', '0002', 'Names in capitals', 'UPDATE projects SET name = upper(name)', 'pass'),
    'USER 10001:10001',
  );
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', compose);
  await stack.configure({ database: { service: 'db', alembic: { service: 'api' } } });
  await stack.up();
  await stack.rewind('deploy', 'api=v2');
  // The deploy has taken one before it has moved the schema.
  const { snapshots } = await stack.rewindJson<{ snapshots: { id: string }[] }>(['snapshot', 'list']);
  snapshot = snapshots[0]!.id;
  await stack.rewind('snapshot', 'verify', snapshot);
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(api('v1'), api('v2'), api('v3'));
});

describe('the plan of going back says of the data', () => {
  test('what a downgrade would take away, and a restore would lose, in numbers', async () => {
    await sql('INSERT INTO zones VALUES (1), (2)');
    await sql(`INSERT INTO projects (name, location, wind_speed_ms) VALUES ('Pier', 'Kiel', 30)`);
    const rough = await plan();
    expect(rough.database.loss).toMatchObject({
      downgrade: {
        items: [{ revision: '0002', kind: 'dropped', table: 'zones', count: { value: 2, kind: 'exact' } }],
        unknown: [],
        noDowngrade: [],
      },
      restore: { id: snapshot, rough: { atLeast: 3 } },
      advice: { choice: 'downgrade' },
    });
    expect(rough.data).toMatch(new RegExp(`--database=restore, from ${snapshot} \\(.* UTC, proved, ready\\)`));
    expect(rough.data).toContain(
      'A downgrade would take away 2 rows:\n    0002: table public.zones is dropped: 2 rows\n',
    );
    expect(rough.data).toContain(`A restore would lose at least 3 changes since ${snapshot}`);
    const counted = await plan('--loss');
    expect(counted.database.loss?.restore).toMatchObject({
      loss: {
        inserted: 3,
        tables: [
          { name: 'projects', inserted: 1 },
          { name: 'zones', kind: 'new', inserted: 2 },
        ],
      },
    });
    expect(counted.data).toMatch(/public\.projects: 1 inserted, from \d{4}-.* UTC/);
    // What the proof of the snapshot has left is looked at and left again; without it the snapshot is restored for a moment.
    const others = `SELECT string_agg(left(datname, 11) || datallowconn, ',') FROM pg_database WHERE datname LIKE 'apex.%'`;
    expect(await sql(others)).toBe('apex.ready-false');
    await stack.rewind('snapshot', 'prune', '--databases', '--yes');
    expect((await plan('--loss')).database.loss?.restore).toEqual(counted.database.loss?.restore);
    expect(await sql(others)).toBe('');
  });

  test('which migrations the release does not have, which of them has no way back, and which snapshot fits', async () => {
    await stack.rewind('deploy', 'api=v3');
    const { data, database, obstacles } = await plan();
    expect(obstacles).toMatchObject([{ code: 'migration/no-downgrade' }]);
    expect(database).toMatchObject({
      revisions: ['0003'],
      releaseRevisions: ['0001'],
      newer: [
        { revision: '0003', downgrades: false },
        { revision: '0002', downgrades: true },
      ],
      snapshot: { id: snapshot },
      loss: { downgrade: { noDowngrade: [{ revision: '0003' }] }, advice: { choice: 'restore' } },
    });
    expect(data).toContain('Advice: restore the snapshot, because 0003 has no downgrade');
    expect(data).toContain('    0003 Names in capitals (has no downgrade)\n    0002 Wind zones\n');
    expect(data).toContain(`--database=restore, from ${snapshot} (`);
    expect(await stack.rewind('plan', 'r1', '--database=restore')).toContain(
      `The data of db is brought back from ${snapshot}`,
    );
    expect(await stack.rewind('plan', 'r1', '--database=keep')).toContain('has to work with them');
  });

  test('that a revision is known to neither image', async () => {
    await execIn(`${project}-db-1`, 'psql', '-U', 'apex', '-c', `UPDATE alembic_version SET version_num = 'lost'`);
    const { data, database } = await plan();
    expect(database.unknown).toBe('neither image knows both lost and 0001');
    expect(database.loss?.advice).toMatchObject({
      choice: 'restore',
      why: expect.stringMatching(/^no image knows the way .* loses at least \d changes$/) as string,
    });
    expect(data).toContain('Whether r1 can work with it is not known');
  });

  test('that the database cannot be reached, and all the rest all the same', async () => {
    await execIn(`${project}-db-1`, 'psql', '-U', 'apex', '-c', `UPDATE alembic_version SET version_num = '0003'`);
    await stack.compose('stop', 'db');
    const { data, database } = await plan();
    expect(database.unknown).toBe(`The service db of ${project}/dev does not run.`);
    expect(data).toContain('The data of db stays as it is');
    await stack.compose('start', 'db');
  });
});
