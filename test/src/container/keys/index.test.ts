import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { ComposeService } from '../../../../src/compose/model';
import { serviceKeys } from '../../../../src/container/keys';
import { containerOf, engineFacts, planOf, projectOf } from '../../../support/compose-project';
import { keySamples, sampleRest } from '../../../support/key-samples';

/** The newest engine: some keys are refused on older ones. */
const engine = { ...engineFacts, apiVersion: '1.51' };

const keysOf = (...support: string[]): string[] =>
  serviceKeys.filter((mapping) => support.includes(mapping.support)).map(({ key }) => key);
const carried = keysOf('carried', 'partly', 'composed', 'harmless');
const refused = keysOf('refused');

/** Some keys with their sample values, in any order. */
const someOf = (keys: readonly string[]): fc.Arbitrary<ComposeService> =>
  fc
    .shuffledSubarray([...keys])
    .map((chosen) => Object.fromEntries(chosen.map((key) => [key, keySamples[key]])) as ComposeService);

const services = (api: ComposeService): Record<string, ComposeService> => ({ api, db: { image: 'db:1' } });

test('every key of the mapping has a sample that is tested, and stands there once', () => {
  const keys = serviceKeys.map(({ key }) => key);
  expect([...keys].sort()).toEqual(Object.keys(keySamples).sort());
  expect(new Set(keys).size).toBe(keys.length);
});

test('a key that is said to be refused, partly carried or harmless says why, or what instead', () => {
  const silent = serviceKeys.filter(({ support, note }) => ['partly', 'harmless'].includes(support) && !note);
  expect(silent.map(({ key }) => key)).toEqual([]);
});

describe('a key that is carried over', () => {
  const plain = JSON.stringify(containerOf({}, sampleRest, { engine }), null, 1).split('\n');
  // These are about the image, the order or the reading of the file, or say what is there anyway.
  const invisible = ['image', 'platform', 'scale', 'mac_address', 'links'];

  test.each(keysOf('carried', 'partly').filter((key) => !invisible.includes(key)))(
    '%s shows in the container, and raises no problem',
    (key) => {
      const plan = planOf(projectOf(services({ [key]: keySamples[key] }), sampleRest), { engine });
      expect(plan.problems).toEqual([]);
      const api = plan.services.find(({ service }) => service === 'api')!;
      const shown = JSON.stringify(api.containers[0], null, 1).split('\n');
      const hash = /"value": "[0-9a-f]{64}"/;
      const news = shown.filter((line) => !plain.includes(line) && !hash.test(line));
      expect(news.length + Object.keys(api.limits).length).toBeGreaterThan(0);
    },
  );
});

test('whatever can be carried over makes a plan without problems, in any combination', () => {
  // These cannot be had together: the engine or docker compose says so.
  const conflicting = ['network_mode', 'mac_address', 'container_name', 'read_only'];
  fc.assert(
    fc.property(someOf(carried.filter((key) => !conflicting.includes(key))), (api) => {
      expect(planOf(projectOf(services(api), sampleRest), { engine }).problems).toEqual([]);
    }),
  );
});

test('a plan does not depend on the order in which the keys stand in the file', () => {
  const reversed = <T>(value: T): T =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? (Object.fromEntries(
          Object.entries(value)
            .reverse()
            .map(([key, inner]) => [key, reversed(inner as unknown)]),
        ) as T)
      : value;
  const ordered = carried.filter((key) => key !== 'ulimits');
  fc.assert(
    fc.property(someOf(ordered), (api) => {
      const labels = { ...(api.labels ?? {}), team: 'web', also: 'this' };
      const one = planOf(projectOf(services({ ...api, labels }), sampleRest), { engine });
      const other = planOf(projectOf(reversed(services({ ...api, labels })), sampleRest), { engine });
      expect(other).toEqual(one);
      expect(JSON.stringify(planOf(projectOf(services({ ...api, labels }), sampleRest), { engine }))).toBe(
        JSON.stringify(one),
      );
    }),
  );
});

test('every refused key is exactly one problem, which names service, key and file, however many containers there are', () => {
  fc.assert(
    fc.property(someOf(refused), fc.integer({ min: 1, max: 3 }), (keys, scale) => {
      const { problems } = planOf(projectOf({ api: { ...keys, scale } }), { engine });
      const named = problems.map(({ message }) => /\/srv\/shop\/compose.yaml: service api: (\S+)/.exec(message)![1]);
      expect(named.sort()).toEqual(Object.keys(keys).sort());
      for (const { code, fix } of problems) {
        expect(code).toBe('compose/unsupported');
        expect(fix.length).toBeGreaterThan(5);
      }
    }),
  );
});

test('a key that nobody knows is refused, but for extensions', () => {
  const { problems } = planOf(projectOf({ api: { 'x-note': 1, brand_new: true } }));
  expect(problems.map(({ message }) => /service .*/.exec(message)![0])).toEqual([
    'service api: brand_new is not known to Rewind.',
  ]);
});

test('a key that is null, as docker compose prints one that is not set, changes nothing', () => {
  expect(containerOf({ command: null, entrypoint: null })).toEqual(containerOf({}));
});
