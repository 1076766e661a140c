import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import {
  defaultFolder,
  findProject,
  type FoundProject,
  projectFiles,
  stacksIn,
  writeProject,
} from '../../../src/actions/init-project';
import { readSettings } from '../../../src/settings';
import { problemsOf } from '../../support/problems';
import { tempFolder } from '../../support/temp-folder';

const found = (folder: string): FoundProject => ({
  composeFile: join(folder, 'docker', 'compose.yaml'),
  name: 'shop',
  services: ['api', 'db'],
  databases: ['db'],
  migrations: ['api'],
  contexts: [],
});
const answers = { name: 'shop', stack: 'dev', packageSource: 'file:../rewind-0.1.0.tgz', program: 'export {};\n' };

describe('the files of a new project', () => {
  test('name the compose file by its way from the project’s folder, and the database', () => {
    const files = projectFiles(found('/srv'), { ...answers, directory: '/srv', database: 'db', migrations: 'api' });
    const { config } = parse(files['Pulumi.dev.yaml']!) as { config: Record<string, unknown> };
    expect(config).toEqual({
      'rewind:compose': 'docker/compose.yaml',
      'rewind:database': { service: 'db', alembic: { service: 'api' } },
    });
    const raw = Object.entries(config).map(([key, value]) => [key.slice('rewind:'.length), value] as const);
    expect(readSettings(Object.fromEntries(raw)).problems).toEqual([]);
  });

  test('say nothing of a database where there is none', () => {
    const files = projectFiles(found('/srv'), { ...answers, directory: '/srv/rewind' });
    expect(parse(files['Pulumi.dev.yaml']!)).toEqual({ config: { 'rewind:compose': '../docker/compose.yaml' } });
  });

  test('ask for this package where it comes from, and keep state and store out of git', () => {
    const files = projectFiles(found('/srv'), { ...answers, directory: '/srv' });
    expect(JSON.parse(files['package.json']!)).toMatchObject({
      name: 'shop',
      private: true,
      dependencies: { rewind: 'file:../rewind-0.1.0.tgz' },
    });
    expect(parse(files['Pulumi.yaml']!)).toMatchObject({ name: 'shop', runtime: { name: 'nodejs' } });
    expect(files['.rewind/.gitignore']).toBe('*\n');
  });
});

describe('writing a project', () => {
  test('leaves what is there already as it is, and says so', async () => {
    const folder = tempFolder({ '.gitignore': 'mine' });
    const result = await writeProject(folder, { '.gitignore': 'ours', '.rewind/.gitignore': '*\n', 'index.ts': 'a' });
    expect(result).toEqual({ written: ['.rewind/.gitignore', 'index.ts'], kept: ['.gitignore'] });
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe('mine');
    expect(readFileSync(join(folder, '.rewind', '.gitignore'), 'utf8')).toBe('*\n');
  });

  test('is refused in the folder of a Pulumi project', async () => {
    const folder = tempFolder({ 'Pulumi.yaml': 'name: theirs\n' });
    expect(await problemsOf(() => writeProject(folder, { 'index.ts': 'a' }))).toMatchObject([
      { code: 'config/invalid', message: `${folder} is the folder of another program already: it has Pulumi.yaml.` },
    ]);
  });

  test('goes to the folder of the compose file, or to one in it where that has a program', () => {
    const [empty, taken] = [tempFolder({ 'compose.yaml': '' }), tempFolder({ 'index.ts': '' })];
    const at = (folder: string): string => defaultFolder({ ...found('/'), composeFile: join(folder, 'compose.yaml') });
    expect(at(empty)).toBe(empty);
    expect(at(taken)).toBe(join(taken, 'rewind'));
  });
});

test('a folder without a compose file is refused, with the names that are looked for', async () => {
  const folder = tempFolder();
  expect(await problemsOf(() => findProject(undefined, folder))).toMatchObject([
    {
      code: 'compose/not-found',
      message: `There is no compose file in ${folder} (compose.yaml, compose.yml, docker-compose.yaml, docker-compose.yml).`,
    },
  ]);
});

test('the stacks of a folder are those that it has a configuration for', () => {
  const folder = tempFolder({
    'Pulumi.yaml': '',
    'Pulumi.dev.yaml': '',
    'Pulumi.eu.prod.yaml': '',
    'notes.dev.yaml': '',
  });
  expect(stacksIn(folder).sort()).toEqual(['dev', 'eu.prod']);
});
