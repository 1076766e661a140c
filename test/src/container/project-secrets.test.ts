import { describe, expect, test } from 'vitest';

import { mask, projectSecrets } from '../../../src/container/project-secrets';
import { projectOf } from '../../support/compose-project';

describe('the secrets of a project', () => {
  test('are what rewind:secrets sets, secret variables of the file, and variables with the name of a secret', () => {
    const project = projectOf(
      {
        api: { environment: { DB_PASSWORD: 'of the container', DB_HOST: 'db', EMPTY_TOKEN: '', PASSED_TOKEN: null } },
      },
      { secrets: { key: { name: 'k', environment: 'KEY' }, file: { name: 'f', file: '/srv/shop/f' } } },
      {
        environment: { KEY: 'of a compose secret', MOTD: 'of a config' },
        secretVariables: { REDIS_PASSWORD: 'of the file' },
      },
    );
    const secrets = projectSecrets(project, { api: { ANYTHING: 'declared', PORT: '' } });
    expect([...secrets].sort()).toEqual(['declared', 'of a compose secret', 'of the container', 'of the file']);
  });
});

describe('a text for people', () => {
  test('has every secret in it replaced, the longest first', () => {
    expect(mask('a hunter2 and a hunter22!', new Set(['hunter2', 'hunter22']))).toBe('a [secret] and a [secret]!');
  });

  test('keeps what is shorter than 4 characters: it occurs by chance', () => {
    expect(mask('the db', new Set(['db']))).toBe('the db');
  });
});
