import { describe, expect, test } from 'vitest';

import { applyOverrides } from '../../../src/compose/overrides';
import { modelOf } from '../../support/compose-project';

const none = { tags: {}, env: {}, secrets: {}, show: {} };
const model = modelOf({
  api: { image: 'registry.example.com:5000/api:v1', environment: { LOG_LEVEL: 'info', REGION: 'eu' } },
  built: { build: { context: '.' } },
});

describe('the stack configuration over a compose model', () => {
  test('changes nothing when there is none', () => {
    expect(applyOverrides(model, none)).toEqual({ model, problems: [] });
  });

  test('sets the tag of a service and leaves the others alone', () => {
    const { services } = applyOverrides(model, { ...none, tags: { api: 'v2' } }).model;
    expect(services['api']!.image).toBe('registry.example.com:5000/api:v2');
    expect(services['built']).toBe(model.services['built']);
  });

  test('sets the tag of a service that is only built on the name that compose gives its image', () => {
    expect(applyOverrides(model, { ...none, tags: { built: 'v2' } }).model.services['built']!.image).toBe(
      'shop-built:v2',
    );
  });

  test('lays env over the environment of the file, and secrets over both', () => {
    const { services } = applyOverrides(model, {
      ...none,
      env: { api: { LOG_LEVEL: 'debug', TOKEN: 'from env' } },
      secrets: { api: { TOKEN: 'from secrets' } },
    }).model;
    expect(services['api']!.environment).toEqual({ LOG_LEVEL: 'debug', REGION: 'eu', TOKEN: 'from secrets' });
  });

  test('does not change the model that it is given', () => {
    const before = JSON.stringify(model);
    applyOverrides(model, { ...none, tags: { api: 'v2' }, env: { api: { A: '1' } } });
    expect(JSON.stringify(model)).toBe(before);
  });

  test('reports every name and every image that fits nothing, all at once', () => {
    const { problems } = applyOverrides(model, {
      tags: { api: 'not a tag', web: 'v1' },
      env: { wbe: { A: '1' } },
      secrets: { weeb: { B: '2' } },
      show: { ebw: ['C'] },
    });
    expect(problems.map(({ code, message }) => `${code} ${message}`)).toEqual([
      'config/unknown-service rewind:tags.web names a service that the compose file does not have.',
      'config/unknown-service rewind:env.wbe names a service that the compose file does not have.',
      'config/unknown-service rewind:secrets.weeb names a service that the compose file does not have.',
      'config/unknown-service rewind:show.ebw names a service that the compose file does not have.',
      'config/bad-image rewind:tags.api is "not a tag", which is neither a tag, nor an image reference, nor an image ID.',
    ]);
    expect(problems[0]!.fix).toContain('The services are: api, built.');
    expect(problems.map((problem) => problem.fix).join()).not.toContain('2');
  });

  test('takes no name for a service that every JavaScript object has', () => {
    const { problems, model: result } = applyOverrides(model, {
      ...none,
      tags: { constructor: 'v1' },
      env: { toString: { A: '1' } },
    });
    expect(problems.map((problem) => problem.code)).toEqual(['config/unknown-service', 'config/unknown-service']);
    expect(Object.keys(result.services)).toEqual(['api', 'built']);
  });

  test('refuses a bare tag for a service that the file gives an image ID, as there is no name to put it on', () => {
    const pinned = modelOf({ api: { image: `sha256:${'a'.repeat(64)}` } });
    const { problems, model: result } = applyOverrides(pinned, { ...none, tags: { api: 'v2' } });
    expect(problems.map(({ code, message }) => [code, message])).toEqual([
      ['config/bad-image', 'rewind:tags.api is the tag "v2", but the compose file names the image by its ID.'],
    ]);
    expect(result.services['api']!.image).toBe(pinned.services['api']!.image);
  });
});
