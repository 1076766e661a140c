import { afterEach, describe, expect, test, vi } from 'vitest';

import { portVariable } from '../../../src/compose/port-variable';
import { projectOf } from '../../support/compose-project';
import { FakeCompose } from '../../support/fake-compose';
import { tempFolder } from '../../support/temp-folder';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the variable that moves a published port', () => {
  test.each([
    ['in the short form', '${API_PORT:-8000}:8000', 'API_PORT'],
    ['with a host address', '127.0.0.1:${API_PORT}:8000/tcp', 'API_PORT'],
    ['without braces', '$API_PORT:8000', 'API_PORT'],
    ['in the long form', { published: '${API_PORT}', target: 8000 }, 'API_PORT'],
  ])('is found %s', async (_form, port, expected) => {
    new FakeCompose({ uninterpolated: { services: { api: { ports: ['9000:18000', port] } } } }).use();
    const project = projectOf({}, {}, { directory: tempFolder() });
    expect(await portVariable(project, 'api', 8000)).toBe(expected);
  });

  test('is unknown for a plain number, another port, another service, or a file that cannot be read', async () => {
    const directory = tempFolder();
    new FakeCompose({ uninterpolated: { services: { api: { ports: ['8000:8000', '${P}:9000'] } } } }).use();
    expect(await portVariable(projectOf({}, {}, { directory }), 'api', 8000)).toBeUndefined();
    expect(await portVariable(projectOf({}, {}, { directory }), 'api', 900)).toBeUndefined();
    expect(await portVariable(projectOf({}, {}, { directory }), 'web', 9000)).toBeUndefined();
    new FakeCompose({ exitCode: 1 }).use();
    expect(await portVariable(projectOf({}, {}, { directory }), 'api', 9000)).toBeUndefined();
  });
});
