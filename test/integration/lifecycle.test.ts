import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { containerIds, execIn, inspectContainer, inspectVolumes } from '../support/docker';
import { docker } from '../support/drift';
import { TestStack } from '../support/stack';
import { imageId, makeTaggedImages, removeTaggedImages, tagImage } from '../support/tagged-images';

// The steps of one stack's life, in order: each test goes on from where the one before it has left the stack.

const project = 'rewind-life';
const web = (tag: string): string => `rewind-life/web:${tag}`;
const worker = 'rewind-life/worker:v1.0.0';
const container = (service: string): string => `${project}-${service}-1`;

const compose = {
  services: {
    db: {
      image: worker,
      command: ['sh', '-c', 'sleep 1; touch /tmp/up; exec serve'],
      volumes: ['data:/var/lib/db'],
      healthcheck: { test: ['CMD', 'test', '-e', '/tmp/up'], interval: '10s', timeout: '2s', retries: 3 },
    },
    migrate: {
      image: web('v1.0.0'),
      command: ['sh', '-c', 'sleep 0.5; echo migrated'],
      depends_on: { db: { condition: 'service_healthy' } },
    },
    web: {
      image: web('v1.0.0'),
      environment: { LOG_LEVEL: 'info', API_TOKEN: 'token-of-the-file' },
      volumes: ['./web.conf:/etc/web.conf:ro'],
      depends_on: {
        db: { condition: 'service_healthy' },
        migrate: { condition: 'service_completed_successfully' },
      },
    },
    worker: { image: worker, environment: { WORKERS: '2' } },
  },
  volumes: { data: {} },
};

let stack: TestStack;

beforeAll(async () => {
  await makeTaggedImages({ [web('v1.0.0')]: 'plain', [web('v1.1.0')]: 'newer', [worker]: 'plain' });
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', compose);
  await stack.write('web.conf', 'colour = green\n');
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(web('v1.0.0'), web('v1.1.0'), web('stable'), worker);
});

/** The services whose containers were replaced by a piece of work. */
async function replacedBy(work: () => Promise<unknown>): Promise<string[]> {
  const before = await containerIds(project);
  await work();
  const after = await containerIds(project);
  expect(Object.keys(after)).toEqual(Object.keys(before));
  return Object.keys(after)
    .filter((name) => after[name] !== before[name])
    .map((name) => name.slice(project.length + 1, -2));
}

const up = () => stack.up();

/** `pulumi preview --diff` without the spaces that align its columns. */
const previewed = async () => (await stack.preview()).replaceAll(/ +:/g, ':');

describe('the first update', () => {
  test('starts each service after what it depends on is ready', async () => {
    await stack.up();
    const [db, migrate, main] = await Promise.all(
      ['db', 'migrate', 'web'].map(async (service) => (await inspectContainer(container(service))).State),
    );
    expect(Date.parse(migrate!.StartedAt) - Date.parse(db!.StartedAt)).toBeGreaterThan(1000);
    expect(Date.parse(main!.StartedAt)).toBeGreaterThan(Date.parse(migrate!.FinishedAt));
    expect(migrate).toMatchObject({ Status: 'exited', ExitCode: 0 });
    expect(main).toMatchObject({ Status: 'running' });
  });

  test('puts out each service’s image and its immutable ID, and the hash of each configuration file', async () => {
    expect(await stack.output('services')).toEqual({
      db: { image: worker, imageId: await imageId(worker) },
      migrate: { image: web('v1.0.0'), imageId: await imageId(web('v1.0.0')) },
      web: { image: web('v1.0.0'), imageId: await imageId(web('v1.0.0')) },
      worker: { image: worker, imageId: await imageId(worker) },
    });
    expect(await stack.output('files')).toEqual({
      'web.conf': expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
    });
  });

  test('leaves nothing to do for a preview, and nothing to find for a refresh', async () => {
    expect(await stack.plannedSteps()).toEqual({});
    expect(await stack.refresh()).toMatch(/Resources:\n\s+\d+ unchanged/);
  });
});

describe('a release', () => {
  test('shows in a preview as the image before and after, by name and by ID, of this service alone', async () => {
    await stack.pulumi('config', 'set', '--path', 'rewind:tags.web', 'v1.1.0');
    const preview = await previewed();
    expect(preview).toContain(`image: "${web('v1.0.0')}" => "${web('v1.1.0')}"`);
    expect(preview).toContain(`"${await imageId(web('v1.0.0'))}" => "${await imageId(web('v1.1.0'))}"`);
    expect(await stack.plannedSteps()).toEqual({
      web: 'update',
      [container('web')]: 'replace',
    });
  });

  test('replaces the containers of its service and no other', async () => {
    expect(await replacedBy(up)).toEqual(['web']);
    expect((await inspectContainer(container('web'))).Image).toBe(await imageId(web('v1.1.0')));
    expect(await stack.output('services')).toMatchObject({ web: { image: web('v1.1.0') } });
  });

  test('is taken back by setting the earlier tag: the same image runs again, the others have run on', async () => {
    await stack.pulumi('config', 'set', '--path', 'rewind:tags.web', 'v1.0.0');
    expect(await previewed()).toContain(`image: "${web('v1.1.0')}" => "${web('v1.0.0')}"`);
    expect(await replacedBy(up)).toEqual(['web']);
    expect((await inspectContainer(container('web'))).Image).toBe(await imageId(web('v1.0.0')));
    expect(await stack.plannedSteps()).toEqual({});
  });

  test('stands in the history with the configuration that it ran with', async () => {
    const history = JSON.parse(await historyAsJson()) as {
      kind: string;
      result: string;
      config: Record<string, { value: string }>;
    }[];
    const updates = history.filter(({ kind }) => kind === 'update').reverse();
    expect(updates.map(({ result }) => result)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    const tags = updates.map(({ config }) => config['rewind:tags']?.value);
    expect(tags).toEqual([undefined, '{"web":"v1.1.0"}', '{"web":"v1.0.0"}']);
  });

  const historyAsJson = async (): Promise<string> => {
    const { output } = await stack.tryPulumi(['stack', 'history', '--json']);
    return output.slice(output.indexOf('['), output.lastIndexOf(']') + 1);
  };
});

test('what was stopped by hand is started by the next update, as it was', async () => {
  const before = await containerIds(project);
  for (const service of ['db', 'worker']) await docker('kill', container(service));
  await stack.up();
  expect(await containerIds(project)).toEqual(before);
  for (const service of ['db', 'web', 'worker']) {
    expect((await inspectContainer(container(service))).State.Status).toBe('running');
  }
});

describe('an image', () => {
  test('whose tag has moved shows as another ID under the same name, and is what an update runs', async () => {
    await tagImage(web('v1.0.0'), web('stable'));
    await stack.configure({ tags: { web: 'stable' } });
    await stack.up();
    await tagImage(web('v1.1.0'), web('stable'));
    const preview = await previewed();
    expect(preview).toContain(`image: "${await imageId(web('v1.0.0'))}" => "${await imageId(web('v1.1.0'))}"`);
    expect(preview).not.toContain(`image: "${web('stable')}" =>`);
    expect(await replacedBy(up)).toEqual(['web']);
  });

  test('may be given by its full reference', async () => {
    await stack.configure({ tags: { web: web('v1.0.0') } });
    expect(await replacedBy(up)).toEqual(['web']);
    expect(await stack.output('services')).toMatchObject({ web: { image: web('v1.0.0') } });
  });

  test('may be given by its ID, which brings back what ran before a tag moved', async () => {
    const id = await imageId(web('v1.1.0'));
    await stack.configure({ tags: { web: id } });
    expect(await replacedBy(up)).toEqual(['web']);
    expect((await inspectContainer(container('web'))).Image).toBe(id);
    expect(await stack.output('services')).toMatchObject({ web: { image: id, imageId: id } });
  });
});

describe('a setting', () => {
  test('of rewind:env replaces its service alone, and shows in the preview if its name is harmless', async () => {
    await stack.pulumi('config', 'set', '--path', 'rewind:env.worker.LOG_LEVEL', 'debug');
    expect(await stack.preview()).toContain('LOG_LEVEL=debug');
    expect(await replacedBy(up)).toEqual(['worker']);
    expect(await execIn(container('worker'), 'sh', '-c', 'echo $LOG_LEVEL $WORKERS')).toBe('debug 2');
  });

  test('of rewind:secrets replaces its service alone, and is nowhere to be read but in the container', async () => {
    await stack.configureSecret('secrets.web.API_TOKEN', 'token-of-the-stack');
    const shown = [await stack.preview()];
    expect(await replacedBy(async () => shown.push(await stack.up()))).toEqual(['web']);
    expect(await execIn(container('web'), 'sh', '-c', 'echo $API_TOKEN')).toBe('token-of-the-stack');
    shown.push(await stack.exported(), await stack.pulumi('stack', 'history', '--full-dates'));
    expect(shown.join('\n')).not.toMatch(/token-of-the-(stack|file)/);
    expect(await stack.plannedSteps()).toEqual({});
  });

  test('of a configuration file replaces the services that mount it, and its earlier content can be had back', async () => {
    const before = await stack.output('files');
    await stack.write('web.conf', 'colour = blue\n');
    expect(await replacedBy(up)).toEqual(['web']);
    expect(await execIn(container('web'), 'cat', '/etc/web.conf')).toBe('colour = blue');
    await stack.configure({ files: before });
    expect(await replacedBy(up)).toEqual(['web']);
    expect(await execIn(container('web'), 'cat', '/etc/web.conf')).toBe('colour = green');
  });
});

test('taking the stack down leaves its data, which the next update takes up again', async () => {
  await execIn(container('db'), 'sh', '-c', 'echo kept > /var/lib/db/row');
  await stack.destroy();
  expect(await containerIds(project)).toEqual({});
  expect(Object.keys(await inspectVolumes(project))).toEqual([`${project}_data`]);
  await stack.up();
  expect(await execIn(container('db'), 'cat', '/var/lib/db/row')).toBe('kept');
});
