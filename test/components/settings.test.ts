import * as pulumi from '@pulumi/pulumi';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { stackSettings } from '../../components/settings';
import { PulumiRecorder } from '../support/pulumi-recorder';

beforeEach(async () => {
  await PulumiRecorder.start();
});
afterEach(() => {
  pulumi.runtime.setAllConfig({});
  vi.unstubAllEnvs();
});

/** Puts a configuration in place as Pulumi hands it to its programs. */
function configure(config: Readonly<Record<string, unknown>>, ...secretKeys: string[]): void {
  pulumi.runtime.setAllConfig(
    Object.fromEntries(
      Object.entries(config).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
    ),
    secretKeys,
  );
  vi.stubEnv('PULUMI_CONFIG_SECRET_KEYS', JSON.stringify(secretKeys));
}

describe('the settings of a stack', () => {
  test('are those of the configuration in the namespace of Rewind', async () => {
    configure({
      'rewind:compose': ['a.yaml', 'b.yaml'],
      'rewind:tags': { api: 'v0.2.0' },
      'rewind:project': 'shop',
      'rewind:readyTimeoutSeconds': '60',
      'aws:region': 'eu-west-1',
    });
    const { settings, problems } = await stackSettings();
    expect(problems).toEqual([]);
    expect(settings).toMatchObject({
      compose: ['a.yaml', 'b.yaml'],
      tags: { api: 'v0.2.0' },
      project: 'shop',
      readyTimeoutSeconds: 60,
    });
  });

  test('that nobody knows are problems, not silence', async () => {
    configure({ 'rewind:tgas': { api: 'v1' } });
    expect((await stackSettings()).problems).toMatchObject([{ message: 'rewind:tgas is no setting.' }]);
  });

  test('that look like JSON but are none are taken as text', async () => {
    configure({ 'rewind:compose': '[not json', 'rewind:project': '"quoted"' });
    expect((await stackSettings()).settings).toMatchObject({ compose: ['[not json'], project: 'quoted' });
  });

  test('under secrets are read although they are encrypted', async () => {
    configure({ 'rewind:secrets': { api: { TOKEN: 'hunter22' } } }, 'rewind:secrets');
    expect((await stackSettings()).settings.secrets).toEqual({ api: { TOKEN: 'hunter22' } });
  });

  test('under env that were set as secret are treated like those under secrets, which come after them', async () => {
    configure(
      {
        'rewind:env': { api: { LOG_LEVEL: 'debug', TOKEN: 'of env' }, web: { PORT: '80' } },
        'rewind:secrets': { api: { TOKEN: 'of secrets' } },
      },
      'rewind:env',
      'rewind:secrets',
    );
    const { env, secrets } = (await stackSettings()).settings;
    expect(env).toEqual({});
    expect(secrets).toEqual({ api: { LOG_LEVEL: 'debug', TOKEN: 'of secrets' }, web: { PORT: '80' } });
  });

  test('under env of the wrong shape are problems whether they are secret or not', async () => {
    for (const secretKeys of [[], ['rewind:env']]) {
      configure({ 'rewind:env': 'LOG_LEVEL=debug' }, ...secretKeys);
      expect((await stackSettings()).problems.map(({ message }) => message)).toEqual(['rewind:env is not a map.']);
    }
  });
});
