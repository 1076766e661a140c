import { describe, expect, test } from 'vitest';

import { mask, projectSecrets, SecretValues } from '../../../src/container/project-secrets';
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

  test.each([
    ['in a JSON text', 'pa"ss\\word', '["--password","pa\\"ss\\\\word"]', '["--password","[secret]"]'],
    ['in a URL', 'p@ss/wörd', 'https://app:p%40ss%2Fw%C3%B6rd@db', 'https://app:[secret]@db'],
    ['line by line', '-----KEY-----\nabcdefgh12\nZ\n', '+-----KEY-----\n+abcdefgh12\n+Z', '+[secret]\n+[secret]\n+Z'],
  ])('has a secret replaced %s', (_where, secret, text, masked) => {
    expect(mask(text, new Set([secret]))).toBe(masked);
  });

  test('keeps what is shorter than 4 characters: it occurs by chance', () => {
    expect(mask('the db', new Set(['db']))).toBe('the db');
  });

  describe('with a secret that is the name of the stack', () => {
    const secrets = new SecretValues(['apex', 'apex-example'], ['apex', 'api']);

    test.each([
      'the container apex-api-1 of apex',
      'database apex, user "apex"',
      'password authentication failed for user "apex"',
      'image: apex-api:v1, name=apex',
      'no token for apex-api',
    ])('keeps that name: %s', (text) => {
      expect(mask(text, secrets)).toBe(text);
    });

    test.each([
      ['POSTGRES_PASSWORD=apex', 'POSTGRES_PASSWORD=[secret]'],
      ['{"password": "apex", "user": "apex"}', '{"password": "[secret]", "user": "apex"}'],
      ['--access-key apex', '--access-key [secret]'],
      ['the password is apex', 'the password is [secret]'],
      ['postgresql://apex:apex@db/apex', 'postgresql://apex:[secret]@db/apex'],
      ['apex-example of apex', '[secret] of apex'],
    ])('has it replaced where it is said to be one: %s', (text, masked) => {
      expect(mask(text, secrets)).toBe(masked);
    });
  });
});
