import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { serviceKeys } from '../../src/container/keys';
import { apiAtLeast } from '../../src/container/mapping';
import { connectAndAsk } from '../../src/docker/engine';
import { containerIds, inspectNetworks, inspectVolumes } from '../support/docker';
import { boxImages, makeBoxImages } from '../support/images';
import { type PulumiRun, TestStack } from '../support/stack';

/** Service and key of everything in the fixture that cannot be carried over. */
const refused: readonly (readonly [service: string, key: string])[] = [
  ['process', 'annotations'],
  ['process', 'entrypoint'],
  ['process', 'post_start'],
  ['process', 'pre_stop'],
  ['process', 'uts'],
  ['process', 'isolation'],
  ['process', 'credential_spec'],
  ['process', 'use_api_socket'],
  ['cleared', 'command'],
  ['memory', 'oom_score_adj'],
  ['memory', 'oom_kill_disable'],
  ['memory', 'mem_swappiness'],
  ['memory', 'shm_size'],
  ['processors', 'cpu_rt_runtime'],
  ['processors', 'cpu_rt_period'],
  ['processors', 'cpu_count'],
  ['processors', 'cpu_percent'],
  ['processors', 'blkio_config.weight_device'],
  ['network', 'ports'],
  ['network', 'external_links'],
  ['network', 'links'],
  ['network', 'networks.default.interface_name'],
  ['storage', 'volumes'],
  ['storage', 'configs.inline'],
  ['granted', 'configs.elsewhere'],
  ['granted', 'configs.empty'],
  ['granted', 'secrets.elsewhere'],
  ['outsourced', 'provider'],
  ['model', 'models'],
];

const refusedByOlderEngines: typeof refused = [
  ['check', 'healthcheck.start_interval'],
  ['addressed', 'mac_address'],
  ['addressed-in', 'networks.default.mac_address'],
  ['storage', 'volumes'],
];

describe('a compose file with keys that cannot be carried over', () => {
  let stack: TestStack;
  let before: object;
  let preview: PulumiRun;
  let update: PulumiRun;

  beforeAll(async () => {
    await makeBoxImages();
    stack = await TestStack.create('rewind-fixture-refused', { fixture: 'refused' });
    await stack.write('steady.yaml', { services: { steady: { image: boxImages.plain } } });
    await stack.configure({ compose: 'steady.yaml' });
    await stack.up();
    before = await everything(stack);
    await stack.configure({ compose: ['compose.yaml', 'newer-engine.yaml'] });
    preview = await stack.tryPreview();
    update = await stack.tryUp();
  });

  afterAll(() => stack.remove());

  test('is refused in a preview, and in an update before anything has changed', async () => {
    expect([preview.ok, update.ok]).toEqual([false, false]);
    expect(await everything(stack)).toEqual(before);
  });

  test.each(refused)('gets an error that names the service %s, its key %s, file and line', (service, key) => {
    for (const { output } of [preview, update]) expect(problemsOf(output)).toContain(`${service}: ${key}`);
    expect(lineNamed(preview.output, service, key)).toMatch(new RegExp(`^\\s*${yamlKeyOf(service, key)}\\b`));
  });

  test('gets errors for what only a newer engine can do', async () => {
    const { facts } = await connectAndAsk();
    const expected = apiAtLeast(facts, '1.45')
      ? []
      : refusedByOlderEngines.map(([service, key]) => `${service}: ${key}`);
    expect(problemsOf(preview.output)).toEqual(expect.arrayContaining(expected));
  });

  test('gets no error besides', () => {
    const known = [...refused, ...refusedByOlderEngines].map(([service, key]) => `${service}: ${key}`);
    expect(problemsOf(preview.output).filter((problem) => !known.includes(problem))).toEqual([]);
  });

  test('has every key in it that the table of keys refuses', () => {
    const inFixture = new Set(refused.map(([, key]) => key));
    const inTable = serviceKeys.filter(({ support }) => support === 'refused').map(({ key }) => key);
    expect(inTable.filter((key) => !inFixture.has(key))).toEqual([]);
  });

  async function everything({ project }: TestStack): Promise<object> {
    return {
      containers: await containerIds(project),
      networks: Object.values(await inspectNetworks(project)).map(({ Id }) => Id),
      volumes: Object.keys(await inspectVolumes(project)),
    };
  }

  /** The line of the file that an error names. */
  function lineNamed(output: string, service: string, key: string): string {
    const named = new RegExp(`(\\S+\\.yaml):(\\d+): service ${service}: ${key.replaceAll('.', '\\.')} `).exec(output);
    if (!named) throw new Error(`no error names a line for ${key} of ${service}`);
    return readFileSync(join(stack.directory, named[1]!), 'utf8').split('\n')[Number(named[2]) - 1]!;
  }
});

/** The problems that an output lists, as `service: key`. */
function problemsOf(output: string): string[] {
  const found = [...output.matchAll(/^.*?\.yaml:\d+: service (\S+): (\S+) .*$/gm)];
  return [...new Set(found.map(([, service, key]) => `${service}: ${key}`))];
}

/** What stands in the file where a key is: the key itself, or the list that a config is named in. */
function yamlKeyOf(service: string, key: string): string {
  if (service === 'network' && key.startsWith('networks.')) return 'interface_name';
  return key.split('.').length > 1 && /^(configs|secrets)\./.test(key) ? key.split('.')[0]! : key.split('.').at(-1)!;
}
