import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { containerIds, inspectContainers } from '../support/docker';
import { TestStack, type PulumiRun } from '../support/stack';
import { makeTaggedImages, removeTaggedImages } from '../support/tagged-images';

const project = 'rewind-broken';
const image = 'rewind-broken/box:1';
const secret = 'token-nobody-may-see';
const container = (service: string): string => `${project}-${service}-1`;
const check = { interval: '1s', timeout: '1s', retries: 2 };

const works = {
  services: {
    api: { image },
    page: { image, depends_on: { api: { condition: 'service_healthy' } } },
  },
};

/** Every way of not getting ready, in one release. */
const broken = {
  services: {
    ends: { image, command: ['sh', '-c', 'echo no configuration; exit 3'] },
    loops: { image, restart: 'always', command: ['sh', '-c', 'echo and again; exit 4'] },
    api: {
      image,
      command: ['sh', '-c', 'echo "the token is $$API_TOKEN"; exec serve'],
      environment: { API_TOKEN: secret },
      healthcheck: { ...check, test: ['CMD-SHELL', 'echo "no answer to $$API_TOKEN"; exit 1'] },
    },
    hangs: { image, healthcheck: { ...check, test: ['CMD', 'sleep', '60'] } },
    job: { image, command: ['sh', '-c', 'echo cannot migrate >&2; exit 9'] },
    greedy: {
      image,
      mem_limit: '8m',
      // Not at once: the engine hears nothing of a lack of memory in the first moment of a container.
      command: ['sh', '-c', 'sleep 0.5; exec tail /dev/zero'],
      healthcheck: { test: ['CMD', 'false'], interval: '10s' },
    },
    page: { image, environment: { VERSION: '2' }, depends_on: { api: { condition: 'service_healthy' } } },
    afterJob: { image, depends_on: { job: { condition: 'service_completed_successfully' } } },
    farAfterJob: { image, depends_on: { afterJob: { condition: 'service_started' } } },
    optional: { image, depends_on: { api: { condition: 'service_healthy', required: false } } },
    optionalFarAfter: { image, depends_on: { afterJob: { condition: 'service_healthy', required: false } } },
  },
};

let stack: TestStack;
let before: Record<string, string>;
let run: PulumiRun;

beforeAll(async () => {
  await makeTaggedImages({ [image]: 'plain' });
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', works);
  await stack.up();
  before = await containerIds(project);
  await stack.write('compose.yaml', broken);
  run = await stack.tryPulumi(['up', '--yes', '--skip-preview']);
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(image);
});

/** What the final report says of a service. */
function reportOf(service: string): string {
  const diagnostics = run.output.slice(run.output.indexOf('Diagnostics:'));
  const start = diagnostics.indexOf(`Service ${service} `);
  return start < 0
    ? ''
    : diagnostics.slice(start, diagnostics.indexOf('[service/not-ready]', start)).replaceAll(/\n {4}/g, '\n');
}

describe('an update in which services do not get ready fails, and says of a service', () => {
  test('that ended: with which exit code, and what it had logged', () => {
    expect(run.ok).toBe(false);
    expect(reportOf('ends')).toContain(
      'Service ends ended with exit code 3.\nIts last log lines:\n    no configuration\n',
    );
  });

  test('that is restarted over and over: how often, and what it had logged', () => {
    expect(reportOf('loops')).toMatch(
      /Service loops was restarted \d+ times, last exit code 4\.\nIts last log lines:\n {4}and again/,
    );
  });

  test('whose health check fails: what the check said, and what it had logged, without any secret', () => {
    expect(reportOf('api')).toMatch(/^Service api (is unhealthy|did not become ready within 2 s)\.\n/);
    expect(reportOf('api')).toContain(
      'Its health check said (exit code 1): no answer to [secret]\n' +
        'Its last log lines:\n    the token is [secret]\n',
    );
    expect(run.output).not.toContain(secret);
  });

  test('whose health check hangs: that it gave no result in time', () => {
    expect(reportOf('hangs')).toContain('Its health check gave no exit code: (no result within 1000 ms)\n');
    expect(reportOf('hangs')).toContain('It has logged nothing.\n');
  });

  test('that is a one-shot job: its exit code, and what it had logged', () => {
    expect(reportOf('job')).toContain('Service job ended with exit code 9.\nIts last log lines:\n    cannot migrate\n');
  });

  test('that had too little memory: that this is why it was killed', () => {
    expect(reportOf('greedy')).toContain('Service greedy was killed: out of memory.\n');
  });

  test('how to go back', () => {
    expect(reportOf('api')).toContain('pulumi config set --path rewind:tags.api <earlier tag>');
  });

  test('everything once, and nothing but that', () => {
    const report = run.output.slice(run.output.indexOf('Diagnostics:'), run.output.indexOf('\nResources:'));
    const said = [...report.matchAll(/Service (\w+) /g)].map(([, service]) => service).sort();
    expect(said).toEqual(['api', 'ends', 'greedy', 'hangs', 'job', 'loops']);
    expect(report.match(/error:/g)).toHaveLength(1);
    expect(report).not.toMatch(/\n\s+at |unhandled|\.js:\d/);
  });
});

describe('what depends on a service that did not get ready', () => {
  test('keeps running as it was', async () => {
    const now = await containerIds(project);
    expect(now[container('page')]).toBe(before[container('page')]);
    expect(now[container('api')]).not.toBe(before[container('api')]);
  });

  test('is not started, nor what depends on that', async () => {
    const names = Object.keys(await inspectContainers(project));
    expect(names).not.toContain(container('afterJob'));
    expect(names).not.toContain(container('farAfterJob'));
  });

  test('is started if the dependency is not required', async () => {
    const containers = await inspectContainers(project);
    expect(containers[container('optional')]?.State.Status).toBe('running');
    expect(containers[container('optionalFarAfter')]?.State.Status).toBe('running');
  });
});

test('an update that did not get ready is not silently done: the next one checks again', async () => {
  const again = await stack.tryPulumi(['up', '--yes', '--skip-preview']);
  expect(again.ok).toBe(false);
  expect(again.output).toContain('Service api is unhealthy.');
});

test('a container that the engine cannot start is one error, and does not stand in the way of the next update', async () => {
  await stack.write('compose.yaml', { services: { ...works.services, api: { image, command: ['no-such-program'] } } });
  const refused = await stack.tryPulumi(['up', '--yes', '--skip-preview']);
  expect(refused.ok).toBe(false);
  expect(refused.output).toContain('exec: "no-such-program": executable file not found');
  expect(refused.output).not.toMatch(/unhandled|\.js:\d/);
});

test('going back to what worked makes everything well', async () => {
  await stack.write('compose.yaml', works);
  await stack.up();
  expect(Object.keys(await containerIds(project))).toEqual([container('api'), container('page')]);
  expect(await stack.plannedSteps()).toEqual({});
});
