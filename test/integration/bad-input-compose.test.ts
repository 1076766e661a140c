import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { refusedPreview } from '../support/refusal';
import { TestStack } from '../support/stack';
import { makeTaggedImages, removeTaggedImages } from '../support/tagged-images';

const image = 'rewind-bad-compose/box:1';
const good = { services: { api: { image }, web: { image } } };

let stack: TestStack;

beforeAll(async () => {
  await makeTaggedImages({ [image]: 'plain' });
  stack = await TestStack.create('rewind-bad-compose');
  await stack.write('compose.yaml', good);
  await stack.up();
});

beforeEach(() => stack.configure({ compose: undefined, envFile: undefined }));

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(image);
});

async function refused(content: string | object): ReturnType<typeof refusedPreview> {
  await stack.write('compose.yaml', content);
  return refusedPreview(stack);
}

describe('a preview is refused, with one error and without a change,', () => {
  test('if a compose file is not YAML: with file and line', async () => {
    const told = await refused(`services:\n  api:\n    image: [${image}\n`);
    expect(told).toMatchObject([
      { code: 'compose/invalid', fix: expect.stringContaining('-f compose.yaml config') as string },
    ]);
    expect(told[0]!.message).toMatch(/^docker compose cannot read compose\.yaml: .*yaml: line \d+/);
  });

  test('if a compose file has a key that docker compose does not know: with the service', async () => {
    const told = await refused({ services: { api: { image, imagee: 'x' } } });
    expect(told).toMatchObject([
      { code: 'compose/invalid', message: expect.stringContaining('services.api') as string },
    ]);
    expect(told[0]!.message).toContain("'imagee'");
  });

  test('if services depend on each other in a circle: with the whole circle', async () => {
    const services = {
      a: { image, depends_on: ['b'] },
      b: { image, depends_on: ['c'] },
      c: { image, depends_on: ['a'] },
    };
    const told = await refused({ services });
    expect(told).toMatchObject([{ code: 'compose/cycle', fix: expect.stringContaining('depends_on') as string }]);
    expect(told[0]!.message).toMatch(/a -> b -> c -> a|b -> c -> a -> b|c -> a -> b -> c/);
  });

  test('if a service depends on one that is not there', async () => {
    const told = await refused({ services: { api: { image, depends_on: ['nobody'] } } });
    expect(told).toMatchObject([{ code: 'compose/invalid' }]);
    expect(told[0]!.message).toMatch(/"api" depends on undefined service "nobody"/);
  });

  test('if variables have no value: with each of them', async () => {
    const told = await refused({ services: { api: { image: image + '${TAG}', hostname: '${HOST_NAME}' } } });
    expect(told).toMatchObject([
      { code: 'compose/unset-variable', message: 'The variable HOST_NAME has no value; compose.yaml uses it.' },
      { code: 'compose/unset-variable', message: 'The variable TAG has no value; compose.yaml uses it.' },
    ]);
    expect(told[1]!.fix).toContain('${TAG:-value}');
  });

  test('if a variable that is required has no value: with what the file says of it', async () => {
    const told = await refused({ services: { api: { image, hostname: '${HOST_NAME:?is the public name}' } } });
    expect(told).toMatchObject([
      { code: 'compose/unset-variable', message: expect.stringContaining('HOST_NAME') as string },
    ]);
    expect(told[0]!.message).toContain('is the public name');
  });

  test('if the compose file is not there', async () => {
    await stack.configure({ compose: ['compose.yaml', 'deploy/production.yaml'] });
    const told = await refused(good);
    expect(told).toMatchObject([
      { code: 'compose/not-found', fix: expect.stringContaining('rewind:compose') as string },
    ]);
    expect(told[0]!.message).toContain('deploy/production.yaml');
  });

  test('if an env file is not there', async () => {
    await stack.configure({ envFile: 'production.env' });
    expect(await refused(good)).toMatchObject([
      { code: 'compose/not-found', message: 'The env file production.env (rewind:envFile) does not exist.' },
    ]);
  });

  test('if a service’s own env file is not there', async () => {
    const told = await refused({ services: { api: { image, env_file: 'api.env' } } });
    expect(told).toMatchObject([{ code: 'compose/invalid', message: expect.stringContaining('api.env') as string }]);
  });

  test('if the file of a config or a secret is not there: with both', async () => {
    const told = await refused({
      services: { api: { image, configs: ['colours'], secrets: ['key'] } },
      configs: { colours: { file: './colours.ini' } },
      secrets: { key: { file: './key.pem' } },
    });
    expect(told.map(({ code }) => code)).toEqual(['compose/missing-file', 'compose/missing-file']);
    expect(told.map(({ message }) => message).join()).toMatch(/colours\.ini.*key\.pem|key\.pem.*colours\.ini/s);
  });

  test('if a file to be mounted is not there and is not to be made', async () => {
    const mount = { type: 'bind', source: './web.conf', target: '/etc/web.conf', bind: { create_host_path: false } };
    const told = await refused({ services: { api: { image, volumes: [mount] } } });
    expect(told).toMatchObject([
      { code: 'compose/missing-file', message: expect.stringContaining('web.conf') as string },
    ]);
  });

  test('if the name of a service is not in ASCII letters', async () => {
    const told = await refused({ services: { straße: { image } } });
    expect(told).toMatchObject([{ code: 'compose/invalid', message: expect.stringContaining('straße') as string }]);
  });

  test('if there is no service at all', async () => {
    const told = await refused('services: {}\n');
    expect(told).toMatchObject([{ code: 'compose/invalid', fix: expect.stringContaining('pulumi destroy') as string }]);
    expect(told[0]!.message).toBe('compose.yaml: there is no service to run (no profile is active).');
  });

  test('if a key cannot be carried over: with service, key, file and line', async () => {
    const told = await refused(`services:\n  api:\n    image: ${image}\n    post_start:\n      - command: ["true"]\n`);
    expect(told).toMatchObject([{ code: 'compose/unsupported' }]);
    expect(told[0]!.message).toMatch(/compose\.yaml:4: service api: post_start/);
  });
});

test('300 services are planned in one preview', async () => {
  const services = Object.fromEntries(
    Array.from({ length: 300 }, (_, index) => [
      `s${index}`,
      { image, ...(index > 0 && { depends_on: [`s${Math.floor((index - 1) / 2)}`] }) },
    ]),
  );
  await stack.write('compose.yaml', { services });
  const steps = Object.entries(await stack.plannedSteps());
  expect(steps.filter(([name, op]) => op === 'create' && /-s\d+-1$/.test(name))).toHaveLength(300);
});

test('text in any script is carried over', async () => {
  const motto = 'Grüße, 世界 🐳 "quoted" $$5';
  await stack.write('compose.yaml', {
    services: { api: { image, environment: { VERSION: motto }, labels: { motto } } },
  });
  const preview = await stack.preview();
  expect(preview).toContain('VERSION=Grüße, 世界 🐳 \\"quoted\\" $5');
});
