import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';

import { type Finished, run } from '../../src/process';
import { inspectContainer, removeKeptImages, removeProject } from '../support/docker';
import { buildMigrationImage } from '../support/migration-images';
import { imageId, makeTaggedImages, removeTaggedImages } from '../support/tagged-images';

// The package as somebody else gets it: made by npm pack, installed in a folder of its own, and used there. Each test
// goes on from where the one before it left.

const project = 'rewind-package';
const box = (tag: string): string => `rewind-package/box:${tag}`;
const api = 'rewind-package/api:v1';
const root = resolve('.');

let folder: string;
let shop: string;

beforeAll(async () => {
  await removeProject(project);
  await removeKeptImages(project, 'dev');
  await makeTaggedImages({ [box('v1')]: 'plain', [box('v2')]: 'newer' });
  await buildMigrationImage(api, {
    migrations: [{ revision: '0001', about: 'Goods', upgrade: ['CREATE TABLE goods (id int PRIMARY KEY)'] }],
  });
  folder = await realpath(await mkdtemp(join(tmpdir(), 'rewind-package-')));
  shop = join(folder, 'shop');
  await mkdir(shop);
  await writeFile(
    join(shop, 'compose.yaml'),
    stringify({
      name: project,
      services: {
        web: {
          image: box('v1'),
          healthcheck: { test: ['CMD', 'true'], interval: '1s' },
          volumes: ['./web.conf:/etc/web.conf:ro'],
        },
        db: {
          image: 'apex-db:15',
          environment: { POSTGRES_PASSWORD: 'word', POSTGRES_DB: 'shop' },
          healthcheck: { test: ['CMD', 'pg_isready', '-q', '-h', '127.0.0.1', '-U', 'postgres'], interval: '5s' },
          volumes: ['data:/var/lib/postgresql/data'],
        },
        api: {
          image: api,
          command: ['sleep', 'infinity'],
          init: true,
          environment: { DATABASE_URL: 'postgresql://postgres:word@db/shop' },
          depends_on: { db: { condition: 'service_healthy' } },
        },
      },
      volumes: { data: {} },
    }),
  );
  await writeFile(join(shop, 'web.conf'), 'blue\n');
});

afterAll(async () => {
  await removeProject(project);
  await removeKeptImages(project, 'dev');
  await removeTaggedImages(box('v1'), box('v2'), api);
  await rm(folder, { recursive: true, force: true });
});

/** Runs a program in the folder of the project, without what vitest and npm have set. */
async function inShop(...argv: [string, ...string[]]): Promise<Finished> {
  const finished = await run(argv, { cwd: shop, env: cleared });
  if (finished.exitCode === 0) return finished;
  throw new Error(`${argv.join(' ')} ended with ${finished.exitCode}:\n${finished.stdout}\n${finished.stderr}`);
}

/** `npx rewind …`, from the package that is installed there and from nowhere else. */
const rewind = (...args: string[]): Promise<Finished> => inShop('npx', '--no', '--', 'rewind', ...args);

/** What the npm that runs these tests tells its children of this repository is not for another project. */
const cleared = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => /^npm_|^NODE_/i.test(name))
    .map((name) => [name, '']),
);

/** ID of the image that the service runs. */
const running = async (): Promise<string> => (await inspectContainer(`${project}-web-1`)).Image;

describe('npm pack', () => {
  test('makes the package, building what is in it, and leaves the sources as they are', async () => {
    const status = (): Promise<Finished> => run(['git', 'status', '--porcelain', '--ignored=no'], { cwd: root });
    const before = (await status()).stdout;
    await rm(join(root, 'dist', 'types'), { recursive: true, force: true });
    const { exitCode, stderr } = await run(['npm', 'pack', '--pack-destination', folder], { cwd: root });
    expect(exitCode, stderr).toBe(0);
    expect((await status()).stdout).toBe(before);
    expect(await readdir(folder)).toContain('rewind-0.1.0.tgz');
  });

  test('puts in what runs, its types and the sources of what is built, but no tests and no examples', async () => {
    const { stdout } = await run(['tar', '-tzf', join(folder, 'rewind-0.1.0.tgz')]);
    const files = stdout.split('\n').map((name) => name.replace(/^package\//, ''));
    expect(files).toEqual(
      expect.arrayContaining([
        ...[
          'README.md',
          'package.json',
          'dist/cli.js',
          'dist/cli-program.js',
          'dist/components.js',
          'dist/index.js',
          'dist/op.js',
          'dist/op-program.js',
          'dist/preload.js',
          'dist/sdk.js',
        ],
        ...['dist/types/components/index.d.ts', 'toolchain/versions.json', 'toolchain/plugins/go.sum'],
      ]),
    );
    expect(files.filter((name) => /^(test|examples|bench|docs|src|cli)\/|_test\.go$|\.test\./.test(name))).toEqual([]);
  });
});

test('npm install of the package is all that an empty folder needs', async () => {
  await inShop('npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', join(folder, 'rewind-0.1.0.tgz'));
  expect((await rewind('--version')).stdout).toBe('0.1.0');
});

test('rewind init makes a project of the compose file there, without a question', async () => {
  const { stdout } = await rewind('init', '--database', 'db', '--migrations', 'api');
  expect(stdout).toContain('Left as it is: package.json');
  expect(await readdir(shop)).toEqual(
    expect.arrayContaining(['Pulumi.yaml', 'Pulumi.dev.yaml', 'index.ts', 'tsconfig.json']),
  );
});

test('the types of the package fit the program that it wrote, and hold a wrong one back', async () => {
  await writeFile(
    join(shop, 'wrong.ts'),
    `import { ComposeStack, prepareFromConfig, stackOutput, type ComposeStackArgs, Service } from 'rewind';
     const args: Promise<ComposeStackArgs> = prepareFromConfig();
     export const docker: number = args.then(({ prepared }) => prepared.engine.docker.getContainer(1));
     export const used = [ComposeStack, stackOutput, Service];`,
  );
  const { compilerOptions } = JSON.parse(await readFile(join(shop, 'tsconfig.json'), 'utf8')) as object & {
    compilerOptions: object;
  };
  const checked = { compilerOptions: { ...compilerOptions, skipLibCheck: false }, files: ['index.ts', 'wrong.ts'] };
  await writeFile(join(shop, 'both.json'), JSON.stringify(checked));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout } = await run([process.execPath, tsc, '--project', 'both.json', '--pretty', 'false'], { cwd: shop });
  await Promise.all(['wrong.ts', 'both.json'].map((name) => rm(join(shop, name))));
  // Neither would be an error if the types that those of the package build on were not there.
  expect(stdout.split('\n').filter((line) => !line.startsWith(' '))).toEqual([
    expect.stringMatching(/^wrong\.ts\(3,.*Promise<Container>' is not assignable to type 'number'/),
    expect.stringMatching(/^wrong\.ts\(3,.*'number' is not assignable to parameter of type 'string'/),
  ]);
});

describe('rewind, from there,', () => {
  test('deploys the stack: the first release', async () => {
    const { stdout } = await rewind('deploy');
    expect(stdout.split('\n').at(-1)).toMatch(/^r1 runs/);
    expect((await rewind('history')).stdout).toMatch(/^r1 \* /m);
    expect(await running()).toBe(await imageId(box('v1')));
  });

  test('knows where the schema stands that its migrations have made, and takes a snapshot that is proved', async () => {
    expect(JSON.parse((await rewind('history', '--json')).stdout)).toMatchObject([
      { database: { revisions: ['0001'], schema: expect.stringMatching(/./) as string } },
    ]);
    const { stdout } = await rewind('snapshot', 'create', '--prove', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ revisions: ['0001'], proof: { ok: true } });
  });

  test('deploys another tag, says how to go back, and goes back', async () => {
    await writeFile(join(shop, 'web.conf'), 'green\n');
    await rewind('deploy', 'web=v2', '-m', 'new shop');
    expect(await running()).toBe(await imageId(box('v2')));
    const plan = (await rewind('plan')).stdout;
    expect(plan).toMatch(/^service web is replaced$/m);
    expect(plan).toMatch(
      /^file web\.conf\n {4}--- web\.conf\tnow\n {4}\+\+\+ web\.conf\tthen\n.*\n {4}-green\n {4}\+blue$/m,
    );
    expect((await rewind('revert', '--yes')).stdout.split('\n').at(-1)).toMatch(/^r3 runs/);
    expect(await running()).toBe(await imageId(box('v1')));
    const lines = (await rewind('history')).stdout.split('\n').slice(1);
    expect(lines.map((line) => line.split(/ {2,}/)[0])).toEqual(['r3 *', 'r2', 'r1']);
  });

  test('gives a shell in which plain pulumi runs the program that init wrote, and sees no change', async () => {
    const script =
      'eval "$(npx --no -- rewind env)" && pulumi preview --stack dev --expect-no-changes --non-interactive';
    const { stdout } = await inShop('bash', '-euc', script);
    expect(stdout).toMatch(/unchanged/);
  });

  test('runs a program with resources of its own as it is', async () => {
    const program = await readFile(join(shop, 'index.ts'), 'utf8');
    await writeFile(join(shop, 'index.ts'), `${program}\nexport const shopkeeper: string = 'Ann';\n`);
    await rewind('deploy', 'web=v2');
    const script = 'eval "$(npx --no -- rewind env)" && pulumi stack output shopkeeper --stack dev';
    expect((await inShop('bash', '-euc', script)).stdout).toBe('Ann');
    expect(await running()).toBe(await imageId(box('v2')));
  });
});
