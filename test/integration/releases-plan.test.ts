import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';

import { footprint } from '../support/footprint';
import { TestStack } from '../support/stack';
import { imageId, makeTaggedImages, removeTaggedImages } from '../support/tagged-images';

const project = 'rewind-plan';
const box = (tag: string): string => `rewind-plan/box:${tag}`;
const secrets = ['token-4711-first', 'token-0815-second', 'pass"word\\4711-first', 'pass"word\\0815-second'];

const environment = { LOG_LEVEL: 'info', SHOP_NAME: 'one', GONE: 'soon' };
const mounts = ['./conf/api.conf:/etc/api.conf:ro', './conf/logo.bin:/etc/logo.bin:ro', './conf/run.sh:/run.sh:ro'];
const compose = (then: boolean): object => ({
  services: {
    api: {
      image: box('v1'),
      environment: then ? environment : { LOG_LEVEL: 'debug', SHOP_NAME: 'two', CAME: 'later' },
      volumes: mounts,
      command: ['sh', '-c', 'exec serve', '${DB_PASSWORD}'],
      networks: then ? ['back'] : ['back', 'front'],
    },
    worker: { image: box('v1'), mem_limit: then ? '64m' : '96m', networks: ['back'] },
    scaled: { image: box('v1'), scale: then ? 2 : 1, networks: ['back'] },
    steady: { image: box('v1'), networks: ['back'] },
    ...(then ? { leaving: { image: box('v1'), networks: ['back'] } } : {}),
    ...(then ? {} : { coming: { image: box('v1'), networks: ['front'] } }),
  },
  networks: then ? { back: {} } : { back: {}, front: {} },
});

let stack: TestStack;
let r1Config: Record<string, unknown>;

const configFile = (): string => join(stack.directory, 'Pulumi.dev.yaml');
const config = async (): Promise<Record<string, unknown>> =>
  (parse(await readFile(configFile(), 'utf8')) as { config: Record<string, unknown> }).config;

/** The files that make release r1, or r2. */
async function give(release: 1 | 2): Promise<void> {
  await stack.write('compose.yaml', compose(release === 1));
  await stack.write('.env', `DB_PASSWORD='${secrets[release + 1]}'\n`);
  await stack.write('conf/api.conf', `listen 80\nworkers ${release}\npassword ${secrets[release + 1]}\n`);
  await stack.write('conf/logo.bin', `\0${release}`);
  await stack.write('conf/run.sh', 'true\n');
  await stack.configureSecret('secrets.api.API_TOKEN', secrets[release - 1]!);
}

beforeAll(async () => {
  await makeTaggedImages({ [box('v1')]: 'plain', [box('v2')]: 'newer' });
  stack = await TestStack.create(project);
  await stack.configure({ show: { api: ['SHOP_NAME'] } });
  await give(1);
  await stack.rewind('deploy', '-m', 'the first');
  r1Config = await config();
  await give(2);
  await stack.rewind('deploy', 'api=v2');
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(box('v1'), box('v2'));
});

interface Plan {
  readonly services: readonly { service: string; action: string }[];
  readonly notInFiles: readonly string[];
}

describe('rewind plan', () => {
  let before: unknown;
  let text: string;
  let plan: Plan;

  beforeAll(async () => {
    before = [await footprint(stack), await stack.rewindJson(['history'])];
    text = await stack.rewind('plan');
    plan = await stack.rewindJson<Plan>(['plan', 'r1']);
  });

  test('says from where to where it goes, and how long that takes', () => {
    expect(text.split('\n')[0]).toMatch(/^Going back from r2 to r1 \(\d{4}-\d\d-\d\d \d\d:\d\d, .+@.+: the first\)$/);
    expect(text.split('\n').at(-1)).toMatch(/^It takes about \d.*, as it did before\.$/);
  });

  test('says of each service what happens to it and why, with the images by tag, ID and age', async () => {
    const image = async (tag: string): Promise<string> =>
      `${box(tag)} (${(await imageId(box(tag))).slice(0, 19)}, built`;
    const block = (service: string): string => new RegExp(`^service ${service} .*(\n    .*)*`, 'm').exec(text)![0];
    const [head, was, will, ...changes] = block('api').split('\n    ');
    expect(head).toBe('service api is replaced');
    expect(was).toContain(`- image ${await image('v2')}`);
    expect(will).toMatch(new RegExp(`^\\+ image .*, built \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d\\)$`));
    expect(will).toContain(await image('v1'));
    expect(changes.slice(0, 5)).toEqual([
      'env ~ API_TOKEN: [secret] → [secret]',
      'env - CAME (was [secret])',
      'env + GONE=[secret]',
      'env ~ LOG_LEVEL: debug → info',
      'env ~ SHOP_NAME: two → one',
    ]);
    expect(changes).toContain('~ command: ["sh","-c","exec serve","[secret]"] → ["sh","-c","exec serve","[secret]"]');
    expect(block('worker')).toBe('service worker goes on running\n    ~ mem_limit: "100663296" → "67108864"');
    expect(block('scaled')).toBe('service scaled goes on running\n    ~ scale: 1 → 2');
    expect(block('leaving')).toMatch(/^service leaving is started\n {4}\+ image rewind-plan\/box:v1 \(sha256:/);
    expect(block('coming')).toMatch(/^service coming is stopped and removed\n {4}- image rewind-plan\/box:v1 \(/);
    expect(text).not.toContain('service steady');
    expect(text).toContain('\n\nAlso changed: network front\n\n');
  });

  test('shows how each configuration file changes, without the secrets in it', () => {
    expect(text).toContain(
      [
        'file conf/api.conf',
        '    --- conf/api.conf\tnow',
        '    +++ conf/api.conf\tthen',
        '    @@ -1,3 +1,3 @@',
        '     listen 80',
        '    -workers 2',
        '    -password [secret]',
        '    +workers 1',
        '    +password [secret]',
        '',
        'file conf/logo.bin: changed',
        '',
      ].join('\n'),
    );
    expect(text).not.toContain('conf/run.sh');
  });

  test('says as JSON the same', async () => {
    expect(plan).toMatchObject({
      stack: `${project}/dev`,
      from: { number: 2, kind: 'deploy' },
      to: { number: 1, message: 'the first' },
      files: [{ path: 'conf/api.conf' }, { path: 'conf/logo.bin', diff: 'changed' }],
      others: ['network front'],
      obstacles: [],
      seconds: expect.any(Number) as number,
    });
    expect(plan.services.map(({ service, action }) => `${service} ${action}`)).toEqual([
      'api replace',
      'coming stop',
      'leaving start',
      'scaled update',
      'worker update',
    ]);
    expect(plan.services[0]).toMatchObject({
      image: {
        from: { image: box('v2'), imageId: await imageId(box('v2')) },
        to: { image: box('v1'), imageId: await imageId(box('v1')), builtAt: expect.any(String) as string },
      },
    });
    expect(plan).not.toHaveProperty('from.config');
  });

  test('of the images alone leaves the configuration out, and of the configuration the images', async () => {
    const [head] = (await stack.rewind('plan', 'r1', '--only', 'images')).split(' (');
    expect(head).toBe('Going back from r2 to the images of r1');
    const images = await stack.rewindJson(['plan', 'r1', '--only', 'images']);
    expect(images).toMatchObject({ only: 'images', files: [], others: [], notInFiles: [] });
    const image = { from: { image: box('v2') }, to: { image: box('v1') } };
    expect(images).toHaveProperty('services', [
      expect.objectContaining({
        service: 'api',
        action: 'replace',
        image: expect.objectContaining({
          from: expect.objectContaining(image.from) as object,
          to: expect.objectContaining(image.to) as object,
        }) as object,
        environment: [],
        keys: [],
      }),
    ]);
    const configuration = await stack.rewindJson<Plan>(['plan', 'r1', '--only', 'config']);
    expect(configuration).toMatchObject({ only: 'config', files: [{ path: 'conf/api.conf' }, {}] });
    expect(configuration.services.map(({ service }) => service)).toEqual(plan.services.map(({ service }) => service));
    expect(configuration.services[0]).not.toHaveProperty('image');
    expect(configuration.notInFiles).not.toContainEqual(expect.stringMatching(/^service api: image/));
    const database = await stack.rewindJson(['plan', 'r1', '--only', 'database']);
    expect(database).toMatchObject({ only: 'database', services: [], files: [], others: [] });
  });

  test('agrees with pulumi preview after the same change of the configuration', async () => {
    const today = await readFile(configFile(), 'utf8');
    const document = parse(today) as object;
    const then = { ...r1Config, 'rewind:compose': { release: 1 } };
    await stack.write('Pulumi.dev.yaml', stringify({ ...document, config: then }));
    const steps = await stack.plannedSteps();
    await stack.write('Pulumi.dev.yaml', today);
    const words: Record<string, string> = { replace: 'replace', stop: 'delete', start: 'create', update: 'update' };
    const containers = Object.fromEntries(
      plan.services.map(({ service, action }) =>
        service === 'scaled' ? [`${project}-scaled-2`, 'create'] : [`${project}-${service}-1`, words[action]!],
      ),
    );
    expect(steps).toMatchObject(containers);
    const others = Object.keys(steps).filter((name) => !(name in containers) && name.startsWith(project));
    expect(others).toEqual([`${project}_front`]);
  });

  test('changes nothing', async () => {
    expect([await footprint(stack), await stack.rewindJson(['history'])]).toEqual(before);
  });

  test('of what runs says that it changes nothing', async () => {
    expect((await stack.rewind('plan', 'r2')).split('\n').slice(1)).toEqual([
      '',
      'It changes nothing: that is what runs.',
    ]);
  });

  test('tells no secret, neither before nor after', () => {
    const printed = stack.printed.join('\n');
    expect(printed.length).toBeGreaterThan(1000);
    const escaped = secrets.map((secret) => JSON.stringify(secret).slice(1, -1));
    expect([...secrets, ...escaped].filter((secret) => printed.includes(secret))).toEqual([]);
  });
});

describe('rewind plan, after the files have changed, says what the next deploy brings back', () => {
  const notInFiles = async (): Promise<readonly string[]> => (await stack.rewindJson<Plan>(['plan'])).notInFiles;

  test('or nothing, where the files are what the release ran', async () => {
    await give(1);
    expect(await notInFiles()).toEqual([]);
  });

  test('of an image, an environment, a key, a service, a network and a configuration file', async () => {
    const { services } = compose(true) as { services: Record<string, object> };
    await stack.write('compose.yaml', {
      services: {
        api: { ...services['api'], environment: { ...environment, LOG_LEVEL: 'warn' }, stop_signal: 'QUIT' },
        worker: { ...services['worker'], image: box('v2') },
        scaled: services['scaled'],
        steady: services['steady'],
        fresh: { image: box('v1'), networks: ['back'] },
      },
      networks: { back: { internal: true } },
    });
    await stack.write('conf/api.conf', 'listen 8080\n');
    expect(await notInFiles()).toEqual([
      'service api: LOG_LEVEL, stop_signal',
      'service fresh: only in compose.yaml',
      'service leaving: not in compose.yaml',
      'service worker: image',
      'network back',
      'file conf/api.conf',
    ]);
    expect(await stack.rewind('plan')).toContain(
      '\n\nThe compose file stays as it is. It differs from r1 in what follows; the next rewind deploy brings that back:\n' +
        '    service api: LOG_LEVEL, stop_signal\n',
    );
  });

  test('or that there is no file to deploy from', async () => {
    await stack.removeFile('compose.yaml');
    expect(await notInFiles()).toEqual([
      'compose.yaml cannot be read: The compose file compose.yaml (rewind:compose) does not exist.',
    ]);
  });
});
