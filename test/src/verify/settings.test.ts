import { describe, expect, test } from 'vitest';

import { readSettings } from '../../../src/settings';

const problemsOf = (verify: unknown): string[] => readSettings({ verify }).problems.map(({ message }) => message);

describe('rewind:verify', () => {
  test('has a default for everything', () => {
    const { settings, problems } = readSettings({ verify: { http: [{ service: 'api', port: 8000 }] } });
    expect(problems).toEqual([]);
    expect(settings.verify.http).toEqual([
      { service: 'api', port: 8000, path: '/', method: 'GET', headers: {}, has: [], withinMs: 5000 },
    ]);
    expect(settings.verify.rowsLost).toBe(10);
  });

  test.each([
    [{ htp: [] }, 'rewind:verify.htp is no setting.'],
    [{ http: [{ port: 80 }] }, 'rewind:verify.http[0].service is missing.'],
    [{ http: [{ service: 'api', path: 'x' }] }, /^rewind:verify\.http\[0\]\.path is not what it has to be: /],
    [{ logs: { critical: ['('] } }, 'rewind:verify.logs.critical[0] is no regular expression.'],
    [{ workflows: [{ name: 'w', steps: [] }] }, /^rewind:verify\.workflows\[0\]\.steps is not what it has to be/],
    ['all', /^rewind:verify is not what it has to be/],
  ])('%j is told with its path', (verify, message) => {
    const [said] = problemsOf(verify);
    if (typeof message === 'string') expect(said).toBe(message);
    else expect(said).toMatch(message);
  });

  test('shows no value, which may be a secret', () => {
    expect(problemsOf({ http: [{ service: 'api', headers: { Authorization: ['word'] } }] }).join()).not.toContain(
      'word',
    );
  });
});

test('rewind:assess has thresholds that are told with their path when they are wrong', () => {
  const { settings, problems } = readSettings({ assess: { cpu: 80, slowMs: 2000 } });
  expect(problems.map(({ message }) => message)).toEqual([expect.stringMatching(/^rewind:assess\.cpu is not what/)]);
  expect(settings.assess.slowMs).toBe(5000);
});
