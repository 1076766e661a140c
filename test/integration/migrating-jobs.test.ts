import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { inspectContainer } from '../support/docker';
import { buildMigrationImage } from '../support/migration-images';
import { goods, prices } from '../support/priced-goods';
import { TestStack } from '../support/stack';
import { imageId, removeTaggedImages } from '../support/tagged-images';
import { databaseService, TestDatabase } from '../support/test-database';

// An application whose compose project has a job for its migrations, with an alembic that fails where it does not know the
// revision that the database stands at. The tests go on from where the one before left.

const project = 'rewind-migjobs';

interface Plan {
  readonly services: readonly { readonly service: string; readonly action: string }[];
}

const app = (tag: string): string => `${project}/app:${tag}`;

let stack: TestStack;
let database: TestDatabase;

/** The compose file, with images of a tag. */
function writeFilesOf(tag: string): Promise<void> {
  const environment = { DATABASE_URL: 'postgresql://shop:word@db/shop' };
  return stack.write('compose.yaml', {
    services: {
      db: databaseService('shop'),
      migrate: {
        image: app(tag),
        command: ['alembic', 'upgrade', 'head'],
        environment,
        depends_on: { db: { condition: 'service_healthy' } },
      },
      app: {
        image: app(tag),
        command: ['sleep', 'infinity'],
        init: true,
        environment,
        depends_on: { migrate: { condition: 'service_completed_successfully' } },
      },
    },
    volumes: { data: {} },
  });
}

beforeAll(async () => {
  await buildMigrationImage(app('v1'), { migrations: [goods] });
  await buildMigrationImage(app('v2'), { migrations: [goods, prices] });
  stack = await TestStack.create(project);
  await writeFilesOf('v1');
  await stack.configure({ database: { service: 'db', alembic: { service: 'app' } } });
  await stack.rewind('deploy');
  database = new TestDatabase(`${project}-db-1`, 'shop', 'shop');
  await stack.rewind('deploy', 'app=v2', 'migrate=v2');
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(app('v1'), app('v2'));
});

const revision = (): Promise<string> => database.sql('SELECT version_num FROM alembic_version');
const imageOf = async (service: string): Promise<string> => (await inspectContainer(`${project}-${service}-1`)).Image;

test('a revert of the images alone leaves the job that migrates with the schema that stays', async () => {
  const { Id: before } = await inspectContainer(`${project}-migrate-1`);
  const plan = await stack.rewindJson<Plan>(['plan', 'r1', '--only', 'images']);
  expect(plan.services).toMatchObject([{ service: 'app', action: 'replace' }]);
  const said = await stack.rewind('revert', 'r1', '--only', 'images', '--yes');
  expect(said).toContain('app: ready');
  expect(said).not.toContain('db-migration');
  expect(await revision()).toBe('0002');
  expect(await imageOf('app')).toBe(await imageId(app('v1')));
  expect((await inspectContainer(`${project}-migrate-1`)).Id).toBe(before);
  expect(await stack.plannedSteps()).toEqual({});
});

test('the release before it comes back with all of its images', async () => {
  await stack.rewind('revert', 'r2', '--yes');
  expect(await imageOf('app')).toBe(await imageId(app('v2')));
  expect(await imageOf('migrate')).toBe(await imageId(app('v2')));
  expect(await stack.plannedSteps()).toEqual({});
});

test('a plan for its schema alone says where that goes, and that no image changes', async () => {
  const said = await stack.rewind('plan', 'r1', '--only', 'database');
  expect(said).toMatch(/^Going back from r\d to the database of r1 /);
  expect(said).toContain('The schema of db goes from 0002 to 0001');
  expect(said).not.toContain('image');
});

test('a revert that keeps the schema leaves the job with it, and says so before', async () => {
  const { Id: before } = await inspectContainer(`${project}-migrate-1`);
  const plan = await stack.rewindJson<Plan>(['plan', 'r1', '--database=keep']);
  expect(plan.services).toMatchObject([{ service: 'app', action: 'replace' }]);
  await stack.rewind('revert', 'r1', '--database=keep', '--yes');
  expect(await revision()).toBe('0002');
  expect(await imageOf('app')).toBe(await imageId(app('v1')));
  expect((await inspectContainer(`${project}-migrate-1`)).Id).toBe(before);
  expect(await stack.plannedSteps()).toEqual({});
});

test('the next deploy takes the job from the compose file again', async () => {
  const configuration = join(stack.directory, 'Pulumi.dev.yaml');
  expect(await readFile(configuration, 'utf8')).toMatch(/release: 1\n +tags:\n +migrate: .*:v2/);
  await writeFilesOf('v2');
  await stack.rewind('deploy');
  expect(await readFile(configuration, 'utf8')).not.toContain('migrate:');
  expect(await imageOf('app')).toBe(await imageId(app('v2')));
  expect(await imageOf('migrate')).toBe(await imageId(app('v2')));
});

test('a revert of everything brings the job back with the schema', async () => {
  await stack.revert('r1', '--database=downgrade');
  expect(await revision()).toBe('0001');
  expect(await imageOf('migrate')).toBe(await imageId(app('v1')));
  expect(await stack.plannedSteps()).toEqual({});
});
