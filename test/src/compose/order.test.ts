import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { ComposeModel, ComposeService } from '../../../src/compose/model';
import { dependenciesOf, followersOf, isOneShot, replicasOf, startOrder } from '../../../src/compose/order';
import { modelOf } from '../../support/compose-project';

/** A model of services that depend on others, by name. */
function graph(edges: Readonly<Record<string, readonly string[]>>): ComposeModel {
  return modelOf(
    Object.fromEntries(
      Object.entries(edges).map(([name, others]): [string, ComposeService] => [
        name,
        { depends_on: Object.fromEntries(others.map((other) => [other, { condition: 'service_started' }])) },
      ]),
    ),
  );
}

/** Services, each of which depends on some of those before it, under names in no particular order. */
const acyclic = fc
  .uniqueArray(
    fc.oneof(fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,8}$/), fc.string({ unit: 'grapheme', minLength: 1 })),
    {
      minLength: 1,
      maxLength: 30,
    },
  )
  .chain((names) =>
    fc
      .tuple(...names.map((_, index) => fc.subarray(names.slice(0, index))))
      .map((dependencies) => Object.fromEntries(names.map((name, index) => [name, dependencies[index]!]))),
  );

test('the followers of a service are all that start after it, directly or not', () => {
  const model = graph({ web: ['api'], api: ['db'], worker: ['db', 'cache'], db: [], cache: [] });
  expect(followersOf(model, 'db')).toEqual(['api', 'web', 'worker']);
  expect(followersOf(model, 'web')).toEqual([]);
});

describe('the start order', () => {
  test('has every service once, after everything it depends on', () => {
    fc.assert(
      fc.property(acyclic, (edges) => {
        const model = graph(edges);
        const order = startOrder(model);
        expect([...order].sort()).toEqual(Object.keys(edges).sort());
        for (const name of order) {
          for (const dependency of dependenciesOf(model, name)) {
            expect(order.indexOf(dependency)).toBeLessThan(order.indexOf(name));
          }
        }
      }),
    );
  });

  test('does not depend on the order in which the file lists services', () => {
    fc.assert(
      fc.property(acyclic, (edges) => {
        const reversed = Object.fromEntries(Object.entries(edges).reverse());
        expect(startOrder(graph(reversed))).toEqual(startOrder(graph(edges)));
      }),
    );
  });

  test('is by name among services that do not depend on each other', () => {
    expect(startOrder(graph({ web: ['api'], api: ['db'], db: [], cache: [] }))).toEqual(['db', 'api', 'cache', 'web']);
  });

  test('has every service even where they depend on each other in a circle', () => {
    const circle = graph({ api: ['worker'], worker: ['queue'], queue: ['api'], self: ['self'] });
    expect(startOrder(circle).sort()).toEqual(['api', 'queue', 'self', 'worker']);
  });

  test('leaves out dependencies that are not part of the project, such as optional ones of another profile', () => {
    expect(startOrder(graph({ api: ['debugger'] }))).toEqual(['api']);
    expect(startOrder(graph({ api: ['constructor', 'toString'] }))).toEqual(['api']);
  });

  test('of 300 services in one chain is there at once', () => {
    const names = Array.from({ length: 300 }, (_, index) => `s${index}`);
    const edges = Object.fromEntries(names.map((name, index) => [name, names.slice(Math.max(0, index - 10), index)]));
    const started = performance.now();
    expect(startOrder(graph(edges))).toEqual(names);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

test.each([
  [{}, 1],
  [{ scale: 3 }, 3],
  [{ scale: 0 }, 0],
  [{ deploy: { replicas: 2 } }, 2],
  [{ scale: 3, deploy: { replicas: 2 } }, 3],
])('a service with %o has %d containers', (service, expected) => {
  expect(replicasOf(service)).toBe(expected);
});

test('a service is a one-shot job if another waits for it to end', () => {
  const model = modelOf({
    api: {
      depends_on: {
        migrate: { condition: 'service_completed_successfully' },
        db: { condition: 'service_healthy' },
      },
    },
    migrate: {},
    db: {},
  });
  expect(Object.keys(model.services).filter((name) => isOneShot(model, name))).toEqual(['migrate']);
});
