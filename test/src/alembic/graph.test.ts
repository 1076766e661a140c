import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { describeRevisions, knows, pathBetween, type Revision, type RevisionGraph } from '../../../src/alembic/graph';

const revision = (name: string, down: readonly string[] = [], dependsOn: readonly string[] = []): Revision => ({
  revision: name,
  down,
  dependsOn,
  labels: [],
  about: '',
  upgrades: true,
  downgrades: true,
});

const graphOf = (...revisions: Revision[]): RevisionGraph => {
  const followed = new Set(revisions.flatMap(({ down }) => down));
  const heads = revisions.map((it) => it.revision).filter((name) => !followed.has(name));
  return { heads: heads.sort(), revisions };
};

const names = (revisions: readonly Revision[]): string[] => revisions.map((it) => it.revision);

const way = (graph: RevisionGraph, from: string[], to: string[]): { undo: string[]; apply: string[] } => {
  const { undo, apply } = pathBetween(graph, from, to);
  return { undo: names(undo), apply: names(apply) };
};

describe('the way between two revisions', () => {
  const line = graphOf(revision('a'), revision('b', ['a']), revision('c', ['b']));
  const branches = graphOf(
    revision('a'),
    revision('b1', ['a']),
    revision('b2', ['a']),
    revision('m', ['b1', 'b2']),
    revision('other'),
    revision('needy', ['other'], ['b1']),
  );

  test('up a line applies the oldest first', () => {
    expect(way(line, [], ['c'])).toEqual({ undo: [], apply: ['a', 'b', 'c'] });
  });

  test('down a line undoes the newest first', () => {
    expect(way(line, ['c'], ['a'])).toEqual({ undo: ['c', 'b'], apply: [] });
  });

  test('to the same revision does nothing', () => {
    expect(way(line, ['b'], ['b'])).toEqual({ undo: [], apply: [] });
  });

  test('from one branch to another undoes the one and applies the other', () => {
    expect(way(branches, ['b1'], ['b2'])).toEqual({ undo: ['b1'], apply: ['b2'] });
  });

  test('before a merge leaves both of its branches', () => {
    expect(way(branches, ['m'], ['b1', 'b2'])).toEqual({ undo: ['m'], apply: [] });
  });

  test('of a branch leaves the others alone', () => {
    expect(way(branches, ['m', 'needy'], ['m'])).toEqual({ undo: ['needy', 'other'], apply: [] });
  });

  test('takes along what a revision depends on in another branch', () => {
    expect(way(branches, [], ['needy'])).toEqual({ undo: [], apply: ['a', 'b1', 'other', 'needy'] });
  });

  test('is found in a history of 20,000 revisions', () => {
    const long = Array.from({ length: 20_000 }, (_, index) =>
      revision(`r${index}`, index === 0 ? [] : [`r${index - 1}`]),
    );
    expect(way(graphOf(...long), [], ['r19999']).apply).toHaveLength(20_000);
  });
});

test('an image knows revisions if it has every one of them', () => {
  const graph = graphOf(revision('a'), revision('b', ['a']));
  expect(knows(graph, ['a', 'b'])).toBe(true);
  expect(knows(graph, ['b', 'c'])).toBe(false);
  expect(knows(graph, [])).toBe(true);
});

test('every way leads from the one state to the other, and never through one that is not allowed', () => {
  const size = fc.integer({ min: 1, max: 12 });
  const anyGraph = size.chain((count) =>
    fc
      .tuple(
        ...Array.from({ length: count }, (_, index) =>
          fc.subarray(
            Array.from({ length: index }, (__, it) => `r${it}`),
            { maxLength: Math.min(2, index) },
          ),
        ),
      )
      .map((downs) => graphOf(...downs.map((down, index) => revision(`r${index}`, down)))),
  );
  const withStates = anyGraph.chain((graph) => {
    const all = graph.revisions.map((it) => it.revision);
    return fc.tuple(fc.constant(graph), fc.subarray(all), fc.subarray(all));
  });
  fc.assert(
    fc.property(withStates, ([graph, from, to]) => {
      const closure = (heads: readonly string[]): Set<string> => new Set(names(pathBetween(graph, [], heads).apply));
      const applied = closure(from);
      const { undo, apply } = pathBetween(graph, from, to);
      for (const { revision: name } of undo) {
        const followers = graph.revisions.filter(({ down }) => down.includes(name));
        expect(followers.some((it) => applied.has(it.revision))).toBe(false);
        expect(applied.delete(name)).toBe(true);
      }
      for (const { revision: name, down } of apply) {
        expect(down.every((it) => applied.has(it))).toBe(true);
        applied.add(name);
      }
      expect(applied).toEqual(closure(to));
    }),
  );
});

describe('the migrations that a database has', () => {
  const graph = graphOf({ ...revision('a'), about: 'Goods' }, revision('b1', ['a']), revision('b2', ['a']));

  test('are told oldest first, each with what it is about', () => {
    expect(describeRevisions(graph, ['b1', 'b2'])).toEqual(['a Goods', 'b1', 'b2']);
    expect(describeRevisions(graph, ['b1'])).toEqual(['a Goods', 'b1']);
  });

  test('are not known where the image does not know the revision', () => {
    expect(describeRevisions(graph, ['c'])).toEqual(['c']);
  });
});
