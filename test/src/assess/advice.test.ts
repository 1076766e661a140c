import { describe, expect, test } from 'vitest';

import { advise, type Strategy } from '../../../src/assess/advice';
import { findCascades } from '../../../src/assess/cascade';
import type { Evidence, ReleaseChange } from '../../../src/assess/evidence';
import { type Hit, triggers } from '../../../src/assess/triggers';
import type { LiveService } from '../../../src/verify/live-service';

const now = Date.UTC(2026, 10, 27, 3);
const minutes = (count: number): number => count * 60_000;

function service(name: string, ...after: string[]): [string, LiveService] {
  const depends = after.map((it) => `${it}:service_healthy:false`).join(',');
  const labels = { 'com.docker.compose.service': name, 'com.docker.compose.depends_on': depends };
  const container = { Name: `/${name}-1`, Config: { Labels: labels } } as unknown as LiveService['containers'][number];
  return [name, { name, isJob: false, containers: [container] }];
}

const services = new Map([service('db'), service('api', 'db'), service('worker', 'db'), service('web', 'api')]);
const images: ReleaseChange = { before: 'r3', images: ['api'], configuration: [], database: false };

function evidence(more: Partial<Evidence> = {}): Evidence {
  return {
    now,
    services,
    expected: {},
    releasedAt: now - minutes(30),
    release: 'r4',
    usage: new Map(),
    events: new Map(),
    logs: new Map(),
    samples: new Map(),
    disks: [],
    interrupted: [],
    ...more,
  };
}

function hit(id: string, of?: string, since?: number): Hit {
  const trigger = triggers.find((it) => it.id === id)!;
  return { trigger, evidence: id, ...(of !== undefined && { service: of }), ...(since !== undefined && { since }) };
}

describe('what is recommended', () => {
  test.each<[what: string, hits: Hit[], more: Partial<Evidence>, strategy: Strategy, command: string]>([
    ['nothing holds', [], {}, 'nothing', ''],
    [
      'a service fails since the release',
      [hit('restart-loop', 'api', now - minutes(20))],
      { change: images },
      'revert',
      'rewind revert r3',
    ],
    [
      'a service fails since a release that has changed configuration alone',
      [hit('does-not-start', 'api', now - minutes(20))],
      { change: { ...images, images: [], configuration: ['rewind:env'] } },
      'configuration',
      'rewind revert r3',
    ],
    [
      'a service was down before the release',
      [hit('stopped', 'api', now - minutes(90))],
      { change: images },
      'restart',
      'rewind restart api',
    ],
    [
      'a service fails, and there is nothing to go back to',
      [hit('unhealthy', 'api')],
      {},
      'restart',
      'rewind restart api',
    ],
    [
      'the revision and the image do not fit',
      [hit('revision-mismatch', 'db')],
      { change: images },
      'revert',
      'rewind revert r3',
    ],
    [
      'answers are slow since long',
      [hit('slow', 'api')],
      { releasedAt: now - minutes(3000) },
      'restart',
      'rewind restart api',
    ],
    [
      'answers are slow right after a release',
      [hit('slow', 'api')],
      { releasedAt: now - minutes(5), change: images },
      'watch',
      'rewind assess --watch 15m',
    ],
    [
      'a disk is nearly full',
      [hit('disk-nearly-full')],
      { change: images },
      'fix-forward',
      'docker system df; rewind snapshot prune --keep 10 --databases',
    ],
    [
      'the data fails its checks',
      [hit('data-check-failed', 'db')],
      { change: images },
      'fix-forward',
      'rewind plan --loss',
    ],
    ['containers were replaced by hand', [hit('drift', 'api')], { change: images }, 'restart', 'pulumi up --refresh'],
  ])('where %s', (_what, hits, more, strategy, command) => {
    const advice = advise(hits, evidence(more));
    expect(advice.strategy).toBe(strategy);
    expect(advice.command ?? '').toBe(command);
    expect(advice.why).not.toBe('');
  });

  test('is to go back and to set anew what leaked, where a security problem was declared', () => {
    const advice = advise([hit('security')], evidence({ security: 'the token leaked', change: images }));
    expect(advice.strategy).toBe('revert');
    expect(advice.why).toContain('the token leaked');
    expect(advice.command).toBe('rewind revert r3');
    const named = evidence({ security: 'the token leaked', leaked: ['api.TOKEN,worker.TOKEN'], change: images });
    expect(advise([hit('security')], named).command).toBe('rewind revert r3 --rotate api.TOKEN,worker.TOKEN');
  });

  test('is something for every set of triggers', () => {
    for (const { id } of triggers) expect(advise([hit(id, 'api')], evidence({ security: 'x' })).why).not.toBe('');
  });
});

describe('a cascade', () => {
  test('has the service furthest up as its cause, and those that depend on it as followers', () => {
    const hits = [hit('unhealthy', 'web'), hit('errors', 'api'), hit('database-unreachable', 'db')];
    expect(findCascades(hits, services)).toEqual([{ cause: 'db', followers: ['api', 'web'] }]);
  });

  test('is none between services that do not depend on each other', () => {
    expect(findCascades([hit('unhealthy', 'worker'), hit('unhealthy', 'web')], services)).toEqual([]);
  });
});
