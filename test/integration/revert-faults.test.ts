import { afterAll, beforeAll, expect, test } from 'vitest';

import { dockerFaults } from '../../faults/docker';
import { projectOf } from '../../faults/fault';
import { kills } from '../../faults/kills';
import { meet } from '../../faults/matrix';
import { probes } from '../../faults/probes';
import { Rig } from '../../faults/rig';
import { buildImages, imageOf } from '../../faults/shop';
import { snapshots } from '../../faults/snapshots';
import { TestStack } from '../support/stack';
import { removeTaggedImages } from '../support/tagged-images';

// A few faults of `npm run faults`, always the same ones.

const project = projectOf({ name: 'few' });
const families = [dockerFaults, kills, probes, snapshots];
let stack: TestStack;
let rig: Rig;

beforeAll(async () => {
  await buildImages(project);
  stack = await TestStack.create(project);
  rig = await Rig.create(stack);
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(imageOf(project, 'v1'), imageOf(project, 'v2'));
});

test.each<[name: string, what: string, phase: string, way: string]>([
  ['docker', 'port of r1 taken by somebody else', 'before it', 'downgrade'],
  ['snapshots', 'a byte of the snapshot changed', 'before it', 'restore'],
  ['kills', 'kill -9 of the engine', 'switch, schema moving', 'downgrade'],
  [
    'kills',
    'kill -9 of rewind, its engine and all they have started',
    'prepare, while the data is restored',
    'restore',
  ],
  ['kills', 'kill -9 of pg_restore', 'prepare', 'restore'],
  ['probes', 'r1 takes requests and never answers', 'verify', 'images'],
])(
  'a revert that meets a fault says what is so, and loses nothing (%s): %s, %s, %s',
  async (name, what, phase, way) => {
    const family = families.find((it) => it.name === name)!;
    const fault = family.faults.find((it) => it.what === what && it.phase === phase && it.way === way)!;
    const { flaws, said } = await meet(rig, family, fault);
    expect(flaws, said).toEqual([]);
  },
);
