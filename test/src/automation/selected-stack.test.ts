import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeEach, describe, expect, test, vi } from 'vitest';

import { selectedStack } from '../../../src/automation/selected-stack';
import { tempFolder } from '../../support/temp-folder';

const here = 'file:///srv/state?metadata=skip';
const cloud = 'https://api.pulumi.com';

describe('the selected stack', () => {
  let home: string;
  let file: string;

  beforeEach(() => {
    home = tempFolder();
    file = join(home, 'Pulumi.yaml');
    vi.stubEnv('PULUMI_HOME', home);
    vi.stubEnv('PULUMI_BACKEND_URL', here);
    vi.stubEnv('PATH', ''); // there is no pulumi to ask
  });

  /** Writes what Pulumi keeps of a selection. */
  async function keep(content: string): Promise<void> {
    await mkdir(join(home, 'workspaces'), { recursive: true });
    const mark = createHash('sha1').update(file).digest('hex');
    await writeFile(join(home, 'workspaces', `shop-${mark}-workspace.json`), content);
  }

  test('is that of the backend in use', async () => {
    await keep(JSON.stringify({ stacks: { [cloud]: 'acme/shop/production', [here]: 'organization/shop/dev' } }));
    expect(await selectedStack(home, file, 'shop')).toBe('dev');
    vi.stubEnv('PULUMI_BACKEND_URL', cloud);
    expect(await selectedStack(home, file, 'shop')).toBe('production');
  });

  test.each([
    ['nothing was ever selected', undefined],
    ['something was selected for another backend', JSON.stringify({ stacks: { [cloud]: 'acme/shop/production' } })],
    ['Pulumi keeps it as earlier versions did', JSON.stringify({ stack: 'dev' })],
    ['what it keeps was cut short', '{"stacks": {'],
    ['what it keeps is of another shape', JSON.stringify({ stacks: { [here]: { name: 'dev' } } })],
  ])('is not guessed where %s: pulumi is asked', async (_why, content) => {
    if (content !== undefined) await keep(content);
    expect(await selectedStack(home, file, 'shop')).toBeUndefined();
  });
});
