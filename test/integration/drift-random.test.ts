import { afterAll, beforeAll, expect, test } from 'vitest';

import { Random } from '../../soak/random';
import { asFound, briefly, docker, driftOf, type MadeDrift } from '../support/drift';
import { boxImages, makeBoxImages } from '../support/images';
import { TestStack } from '../support/stack';
import { databaseService, TestDatabase } from '../support/test-database';

// Sets of drifts that a seed decides: each is found, nothing else is, and all of it is put right at once.

const project = 'rewind-drift-random';
const name = (service: string): string => `${project}-${service}-1`;

/** Sets: 100 take a quarter of an hour. */
const sets = Number(process.env['REWIND_DRIFT_SETS'] ?? 4);

const compose = {
  services: {
    db: databaseService('shop'),
    ...Object.fromEntries(
      ['one', 'two', 'three', 'four', 'five'].map((service) => [
        service,
        { image: boxImages.plain, networks: ['front', 'back'], restart: 'unless-stopped', cpus: 0.5 },
      ]),
    ),
  },
  networks: { default: null, front: null, back: null },
  volumes: { data: {} },
};

const database = new TestDatabase(name('db'), 'shop', 'shop');
const sql = (text: string): Promise<string> => database.sql(text);
const byProject = ['--label', `com.docker.compose.project=${project}`];

/** Each on something of its own, so that any of them can be together. */
const drifts: readonly MadeDrift[] = [
  {
    name: 'stopped',
    make: () => docker('stop', name('one')),
    found: { 'container/one-1/state': 'broken: running → exited with 0' },
  },
  {
    name: 'paused',
    make: () => docker('pause', name('two')),
    found: { 'container/two-1/state': 'broken: running → paused' },
  },
  {
    name: 'removed',
    make: () => docker('rm', '-f', name('three')),
    found: { 'container/three-1/exists': 'broken: running → missing' },
  },
  {
    name: 'limited',
    make: () => docker('update', '--cpus', '0.7', '--restart', 'always', name('four')),
    found: {
      'container/four-1/limit.cpus': 'changed: 0.5 → 0.7',
      'container/four-1/restart-policy': 'changed: unless-stopped → always',
    },
  },
  {
    name: 'off a network',
    make: () => docker('network', 'disconnect', `${project}_back`, name('five')),
    found: { [`container/five-1/network.${project}_back`]: `broken: as five, ${name('five')} → none` },
  },
  {
    name: 'an index',
    make: () => sql('CREATE INDEX by_hand ON goods (kind)'),
    found: { 'database/index public.by_hand': 'changed: not there → there' },
  },
  {
    name: 'a default',
    make: () => sql(`ALTER TABLE goods ALTER kind SET DEFAULT 'b'`),
    found: { 'database/column public.goods.kind': 'changed: default → another default' },
  },
  {
    name: 'a right',
    make: () => sql('GRANT SELECT ON prices TO PUBLIC'),
    found: { 'database/table public.prices': 'changed: SELECT for everybody → another SELECT for everybody' },
  },
  {
    name: 'a stranger',
    make: () => docker('run', '-d', '--name', `${project}-stranger`, ...byProject, boxImages.plain),
    found: {
      [`unmanaged/container/${project}-stranger`]: 'changed: none → running, made by hand or by docker compose',
    },
    mend: () => docker('rm', '-f', `${project}-stranger`),
  },
  {
    name: 'a stray network',
    make: () => docker('network', 'create', ...byProject, `${project}_stray`),
    found: { [`unmanaged/network/${project}_stray`]: 'changed: none → there, and of this project by its label' },
    mend: () => docker('network', 'rm', `${project}_stray`),
  },
];

let stack: TestStack;

beforeAll(async () => {
  await makeBoxImages();
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', { ...compose, services: { db: compose.services.db } });
  await stack.configure({ database: { service: 'db' } });
  await stack.up();
  await sql('CREATE TABLE goods (id int PRIMARY KEY, kind text); CREATE TABLE prices (id int PRIMARY KEY)');
  await stack.write('compose.yaml', compose);
  await stack.rewind('deploy');
});

afterAll(async () => {
  await docker('rm', '-f', `${project}-stranger`).catch(() => undefined);
  await stack.remove();
});

test.each(Array.from({ length: sets }, (_, at) => at + 1))('set %i', async (seed) => {
  const random = new Random(seed * 104_729);
  const count = 1 + random.below(5);
  const chosen = new Set<MadeDrift>();
  while (chosen.size < count) chosen.add(random.pick(drifts));
  for (const { make } of chosen) await make();
  const found = Object.assign({}, ...[...chosen].map((it) => it.found)) as MadeDrift['found'];
  expect(briefly(await driftOf(stack))).toEqual(asFound(found));
  const byHand = [...chosen].flatMap(({ mend }) => mend ?? []);
  if (byHand.length < chosen.size) await stack.rewind('drift', '--fix', '--yes');
  for (const mend of byHand) await mend();
  expect(briefly(await driftOf(stack))).toEqual({});
});
