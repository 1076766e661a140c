import { expect, test } from 'vitest';

import { configurationDifferences, modelDifferences } from '../../../src/operations/sides';
import { comparedSide } from '../../support/compared';
import { releaseRecord } from '../../support/release-records';

test('what differs in the compose file is told: variables masked as in a plan, of other keys the name alone', () => {
  const before = comparedSide({
    api: { environment: { LOG_LEVEL: 'info', SMTP_PASSWORD: 'old-secret', GONE_PORT: '1' }, command: ['--key', 'abc'] },
    old: {},
  });
  const after = comparedSide(
    { api: { environment: { LOG_LEVEL: 'debug', SMTP_PASSWORD: 'new-secret' }, command: ['--key', 'xyz'] }, more: {} },
    { model: { volumes: { data: null } } },
  );
  expect(modelDifferences(before, after, [])).toEqual([
    'api: env GONE_PORT: 1 → not set',
    'api: env LOG_LEVEL: info → debug',
    'api: env SMTP_PASSWORD: [secret] → [secret]',
    'api: another command',
    'more: new',
    'old: gone',
    'volume data: changed',
  ]);
});

test('a variable that the settings have set is told once', () => {
  const configured = (level: string): ReturnType<typeof releaseRecord> =>
    releaseRecord(1, { config: { 'rewind:env': { api: { LOG_LEVEL: level } } } });
  const settings = configurationDifferences(configured('info'), configured('debug'));
  expect(settings).toEqual(['rewind:env.api.LOG_LEVEL: info → debug']);
  const before = comparedSide({ api: { environment: { LOG_LEVEL: 'info', SQL_LOG_LEVEL: 'info' } } });
  const after = comparedSide({ api: { environment: { LOG_LEVEL: 'debug', SQL_LOG_LEVEL: 'debug' } } });
  expect(modelDifferences(before, after, settings)).toEqual(['api: env SQL_LOG_LEVEL: info → debug']);
});
