import { describe, expect, test } from 'vitest';

import type { ComposeModel, ComposeService } from '../../../src/compose/model';
import { SecretValues } from '../../../src/container/project-secrets';
import { type Compared, compareModels, compareSections } from '../../../src/releases/compare';
import { comparedSide } from '../../support/compared';

const model = (services: Record<string, ComposeService>, more: Partial<ComposeModel>): ComposeModel =>
  comparedSide(services, { model: more }).project.model;

const environments = (
  from: Record<string, string>,
  to: Record<string, string>,
  more: Partial<Compared> = {},
): unknown =>
  compareModels(comparedSide({ api: { environment: from } }, more), comparedSide({ api: { environment: to } }, more))[0]
    ?.environment;

describe('two models', () => {
  test('that are the same have no differences, whatever the order of their keys', () => {
    const one = comparedSide({ api: { environment: { LOG_LEVEL: 'info', TZ: 'UTC' } } });
    const two = comparedSide({ api: { environment: { TZ: 'UTC', LOG_LEVEL: 'info' } } });
    expect(compareModels(one, two)).toEqual([]);
  });

  test('name the services that came, went and changed, sorted', () => {
    const changes = compareModels(
      comparedSide({ web: { init: true }, old: {}, same: {} }),
      comparedSide({ web: { init: false }, more: {}, same: {} }),
    );
    expect(changes.map(({ service, presence }) => `${service} ${presence}`)).toEqual([
      'more added',
      'old removed',
      'web both',
    ]);
    expect(changes[2]!.keys).toEqual([{ key: 'init', from: 'true', to: 'false' }]);
  });

  test('do not tell twice of images and builds', () => {
    expect(
      compareModels(comparedSide({ api: { image: 'a:1', build: {} } }), comparedSide({ api: { image: 'a:2' } })),
    ).toEqual([]);
  });

  test('show a long value cut short', () => {
    const [change] = compareModels(
      comparedSide({ api: { command: ['a'] } }),
      comparedSide({ api: { command: ['x'.repeat(200)] } }),
    );
    expect(change!.keys[0]!.to).toHaveLength(80);
    expect(change!.keys[0]!.to).toMatch(/x…$/);
  });
});

describe('environment variables', () => {
  test('are shown if their keys are harmless', () => {
    expect(environments({ LOG_LEVEL: 'info', TZ: 'UTC' }, { LOG_LEVEL: 'debug', API_PORT: '80' })).toEqual([
      { key: 'API_PORT', to: '80' },
      { key: 'LOG_LEVEL', from: 'info', to: 'debug' },
      { key: 'TZ', from: 'UTC' },
    ]);
  });

  test('are masked otherwise, and still said to differ', () => {
    expect(environments({ API_TOKEN: 'old' }, { API_TOKEN: 'new' })).toEqual([
      { key: 'API_TOKEN', from: '[secret]', to: '[secret]' },
    ]);
  });

  test('are shown if the stack configuration says so, unless they are declared as secrets', () => {
    const shown = { shown: { api: ['REGION'] } };
    expect(environments({ REGION: 'eu' }, { REGION: 'us' }, shown)).toEqual([{ key: 'REGION', from: 'eu', to: 'us' }]);
    expect(environments({ LOG_LEVEL: 'a' }, { LOG_LEVEL: 'b' }, { hidden: { api: ['LOG_LEVEL'] } })).toEqual([
      { key: 'LOG_LEVEL', from: '[secret]', to: '[secret]' },
    ]);
  });

  test('a secret is masked in another value too', () => {
    const secrets = { secrets: new SecretValues(['hunter2']) };
    const [change] = compareModels(
      comparedSide({ api: { command: ['run'] } }, secrets),
      comparedSide({ api: { command: ['run', '--password=hunter2'] } }, secrets),
    );
    expect(JSON.stringify(change)).not.toContain('hunter2');
    expect(change!.keys[0]!.to).toContain('--password=');
  });
});

test('what else differs is named by its section', () => {
  const from = model({}, { networks: { back: { name: 'b' }, gone: null }, volumes: { data: { name: 'a' } } });
  const to = model(
    {},
    {
      networks: { back: { name: 'b' } },
      volumes: { data: { name: 'b' } },
      configs: { page: { name: 'p', content: 'x' } },
    },
  );
  expect(compareSections(from, to)).toEqual(['network gone', 'volume data', 'config page']);
});
