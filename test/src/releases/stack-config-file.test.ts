import { chmodSync, chownSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { StackConfig } from '../../../src/releases/stack-config';
import { problemsOf } from '../../support/problems';
import { tempFolder } from '../../support/temp-folder';

const name = 'Pulumi.dev.yaml';
const config = StackConfig.parse('config:\n  rewind:project: shop\n');

describe('a stack configuration that takes the place of a file', () => {
  test('leaves its mode as it is', async () => {
    const path = join(tempFolder({ [name]: 'config: {}\n' }), name);
    chmodSync(path, 0o664);
    await config.replace(path);
    expect(readFileSync(path, 'utf8')).toBe('config:\n  rewind:project: shop\n');
    expect(statSync(path).mode & 0o7777).toBe(0o664);
  });

  test.runIf(process.getuid?.() === 0)('leaves its owner as it is', async () => {
    const path = join(tempFolder({ [name]: 'config: {}\n' }), name);
    chownSync(path, 1000, 1001);
    await config.replace(path);
    expect(statSync(path)).toMatchObject({ uid: 1000, gid: 1001 });
  });

  test('leaves a link to it a link', async () => {
    const folder = tempFolder({ 'shared/dev.yaml': 'config: {}\n' });
    symlinkSync('shared/dev.yaml', join(folder, name));
    await config.replace(join(folder, name));
    expect(lstatSync(join(folder, name)).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(folder, 'shared/dev.yaml'), 'utf8')).toContain('shop');
  });

  test('leaves nothing beside it', async () => {
    const folder = tempFolder({ [name]: 'config: {}\n' });
    await config.replace(join(folder, name));
    expect(readdirSync(folder)).toEqual([name]);
  });

  test('says so where the folder is not there', async () => {
    const path = join(tempFolder(), 'gone', name);
    expect(await problemsOf(() => config.replace(path))).toMatchObject([
      { code: 'config/invalid', message: expect.stringContaining(`${path} cannot be written: ENOENT`) as string },
    ]);
  });
});
