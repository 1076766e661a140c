import { mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { stepsEnded, withStepLock } from '../../../src/actions/step-lock';
import { ReleaseStore } from '../../../src/releases/release-store';
import { tempFolder } from '../../support/temp-folder';

const store = (): ReleaseStore => new ReleaseStore(tempFolder(), 'shop/dev');

/** A step that is at work until it is told to end. */
function step(releases: ReleaseStore, said: string[], name: string): { end: () => void; ended: Promise<unknown> } {
  let end = (): void => undefined;
  const told = new Promise<void>((resolve) => (end = resolve));
  const ended = withStepLock(releases, name, async () => {
    said.push(`${name} begins`);
    await told;
    said.push(`${name} ends`);
  });
  return { end, ended };
}

test('a step waits for one that was left alone, and so does whoever wants to know what it has done', async () => {
  const [releases, said] = [store(), [] as string[]];
  const first = step(releases, said, 'migrate');
  const waited = stepsEnded(releases).then(() => said.push('its end is known'));
  const second = step(releases, said, 'verify');
  second.end();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(said).toEqual(['migrate begins']);
  first.end();
  await Promise.all([first.ended, second.ended, waited]);
  expect(said.slice(0, 2)).toEqual(['migrate begins', 'migrate ends']);
});

test('a restore goes on beside other steps, and is waited for as well', async () => {
  const [releases, said] = [store(), [] as string[]];
  const snapshot = step(releases, said, 'snapshot');
  const restore = step(releases, said, 'restore');
  snapshot.end();
  await snapshot.ended;
  const waited = stepsEnded(releases).then(() => said.push('their end is known'));
  restore.end();
  await Promise.all([restore.ended, waited]);
  expect(said).toEqual(['snapshot begins', 'restore begins', 'snapshot ends', 'restore ends', 'their end is known']);
});

test('a step that was killed is not waited for', async () => {
  const releases = store();
  mkdirSync(join(releases.folder, 'data'), { recursive: true });
  writeFileSync(
    join(releases.folder, 'data', 'step'),
    JSON.stringify({ pid: 4_194_303, host: hostname(), token: 'x' }),
  );
  const started = Date.now();
  await stepsEnded(releases);
  await withStepLock(releases, 'migrate', () => Promise.resolve());
  expect(Date.now() - started).toBeLessThan(2000);
});
