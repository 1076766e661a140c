import { cp } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { freePorts } from '../support/busy-port';
import { TestStack } from '../support/stack';
import { lostRows, type UnderLoad, underLoad } from '../support/under-load';
import { seed } from '../../examples/apex/seed.mjs';
import { databaseContainer } from '../../examples/apex/database.mjs';

// The example goes back from v0.2.0 to v0.1.0 while its API is written to. `npm run bench -- --only load` does the same
// with 200 requests a second, which a machine that runs tests beside it does not always manage.

const project = 'rewind-loaded';
const services = ['api', 'worker', 'signcalc', 'frontend', 'migrate'];
const rate = 25;

let stack: TestStack;
let url: string;

beforeAll(async () => {
  const [apiPort, webPort] = await freePorts(2);
  url = `http://127.0.0.1:${apiPort}/version`;
  stack = await TestStack.create(project, {
    env: { APEX_API_PORT: String(apiPort), APEX_WEB_PORT: String(webPort) },
  });
  await cp(join(__dirname, '..', '..', 'examples', 'apex', 'compose.yaml'), join(stack.directory, 'compose.yaml'));
  await cp(join(__dirname, '..', '..', 'examples', 'apex', 'config'), join(stack.directory, 'config'), {
    recursive: true,
  });
  await stack.configure({ database: { service: 'db', alembic: { service: 'api' } } });
  await deploy('v0.1.0');
  await seed(await databaseContainer(project), { jobs: 20 });
});

afterAll(async () => {
  await stack.remove();
});

async function deploy(tag: string): Promise<void> {
  await stack.rewind('deploy', ...services.map((service) => `${service}=${tag}`));
}

interface Operation {
  readonly result: string;
  readonly loss?: readonly string[];
  readonly data?: { readonly keptAs?: string };
}

/** Goes back to v0.1.0 by a command, under load. */
async function backUnderLoad(command: readonly string[]): Promise<UnderLoad<Operation>> {
  return underLoad({ url, rate }, async () => {
    await stack.rewind(...command);
    return (await stack.rewindJson<Operation[]>(['report', '--list'])).at(-1)!;
  });
}

describe('no row that the API has acknowledged is lost while the example is brought back', () => {
  test('with its schema downgraded', async () => {
    await deploy('v0.2.0');
    const command = await stack.agreeing('revert', '--yes', '--database=downgrade');
    const { result, rows } = await backUnderLoad(command);
    expect(result.result).toBe('done');
    expect(rows.length).toBeGreaterThan(rate);
    expect(await lostRows(project, rows)).toEqual([]);
  });

  test('with its data restored: what was written since is in the database that is kept, as was said before', async () => {
    await deploy('v0.2.0');
    const command = await stack.agreeing('revert', '--yes', '--database=restore');
    const { result, rows } = await backUnderLoad(command);
    expect(result).toMatchObject({ result: 'done', data: { keptAs: expect.any(String) as string } });
    expect(result.loss?.[0]).toMatch(/written since .* is then only in the database that is kept/);
    const notLive = await lostRows(project, rows);
    expect(notLive.length).toBeGreaterThan(0);
    expect(await lostRows(project, notLive, [result.data!.keptAs!])).toEqual([]);
  });

  test('with its images only', async () => {
    await deploy('v0.2.0');
    const { result, rows } = await backUnderLoad(['revert', '--yes', '--only', 'images']);
    expect(result.result).toBe('done');
    expect(result.loss).toBeUndefined();
    expect(await lostRows(project, rows)).toEqual([]);
  });
});
