import type Docker from 'dockerode';
import { expect, test } from 'vitest';

import { mask } from '../../../src/container/project-secrets';
import { secretsIn } from '../../../src/verify/secrets';

const container = (service: string, env: readonly string[]): Docker.ContainerInspectInfo =>
  ({
    Config: {
      Env: env,
      Labels: { 'com.docker.compose.project': 'apex', 'com.docker.compose.service': service },
    },
  }) as unknown as Docker.ContainerInspectInfo;

test('what containers write has their secrets replaced, but for a word that is the name of the project or a service', () => {
  const secrets = secretsIn([
    container('api', ['DATABASE_URL=postgresql://apex:hunter2@db/apex', 'OBJECT_ACCESS_KEY=apex', 'LOG_LEVEL=info']),
    container('search', ['SEARCH_TOKEN=search', 'SEARCH_MASTER_SECRET=long-and-random']),
  ]);
  expect([...secrets].sort()).toEqual(['apex', 'hunter2', 'long-and-random', 'search']);
  expect(mask('apex-api-1 asks search with hunter2, info', secrets)).toBe('apex-api-1 asks search with [secret], info');
  expect(mask('OBJECT_ACCESS_KEY=apex, long-and-random', secrets)).toBe('OBJECT_ACCESS_KEY=[secret], [secret]');
});
