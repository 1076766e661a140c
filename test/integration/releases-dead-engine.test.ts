import { afterAll, beforeAll, expect, test } from 'vitest';

import { endPlugins, runAndKill } from '../../soak/releases/killing';
import { containerIds, execIn } from '../support/docker';
import { TestStack } from '../support/stack';
import { makeTaggedImages, removeTaggedImages } from '../support/tagged-images';

const project = 'rewind-dead-engine';
const image = 'rewind-dead-engine/box:1';

let stack: TestStack;

beforeAll(async () => {
  await makeTaggedImages({ [image]: 'plain' });
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', { services: { api: { image } } });
  await stack.rewind('deploy');
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(image);
});

const delayInside = () => execIn(`${project}-api-1`, 'sh', '-c', 'echo "[$DELAY]"');

test.each([0, 300, 500, 700, 900, 1100])(
  'rewind whose engine is killed %i ms after its start ends, and the stack runs what it ran',
  async (afterMs) => {
    const before = await containerIds(project);
    const delay = await delayInside();
    await stack.configure({ env: { api: { DELAY: String(afterMs) } } });
    const { killed, exitCode, output, orphans } = await runAndKill(stack, ['deploy'], 'engine', afterMs);
    endPlugins(orphans);
    if (killed === undefined) return; // it was done before
    if (exitCode === 1) {
      expect(output).toContain('Nothing has changed.');
      expect(await containerIds(project)).toEqual(before);
    } else {
      expect(exitCode).toBe(3);
      expect(output).toMatch(/^This has failed; r\d, which ran before, runs again/m);
    }
    expect(await delayInside()).toBe(delay);
  },
  60_000,
);
