import * as pulumi from '@pulumi/pulumi';
import { afterEach, expect, test, vi } from 'vitest';

import { prepareFromConfig } from '../../components/prepare';
import { engineServer } from '../support/engine-server';
import { FakeCompose } from '../support/fake-compose';
import { PulumiRecorder } from '../support/pulumi-recorder';
import { tempFolder } from '../support/temp-folder';

afterEach(() => {
  pulumi.runtime.setAllConfig({});
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** Runs in a project with an engine and a docker compose that knows one service. */
async function inProject(config: Readonly<Record<string, string>>): Promise<void> {
  const folder = tempFolder({ 'Pulumi.yaml': '', 'compose.yaml': '' });
  vi.spyOn(process, 'cwd').mockReturnValue(folder);
  vi.stubEnv('DOCKER_HOST', (await engineServer({ images: { 'api:v1': `sha256:${'a'.repeat(64)}` } })).host);
  new FakeCompose({ model: { name: 'shop', services: { api: { image: 'api:v1' } } } }).use();
  await PulumiRecorder.start({ preview: true });
  pulumi.runtime.setAllConfig({ ...config });
}

test('the stack of the configuration is prepared under the name of project and stack', async () => {
  await inProject({ 'rewind:readyTimeoutSeconds': '7' });
  const { prepared, stack, readyTimeoutSeconds } = await prepareFromConfig();
  expect([stack, readyTimeoutSeconds]).toEqual(['shop/dev', 7]);
  expect(prepared.services.map(({ service }) => service)).toEqual(['api']);
});

test('problems end the program with all of them as text for people, without a stack trace', async () => {
  await inProject({ 'rewind:tags': '{"wbe": "v1", "api": "not a tag"}' });
  const failure: unknown = await prepareFromConfig().catch((error: unknown) => error);
  expect(pulumi.RunError.isInstance(failure)).toBe(true);
  expect((failure as Error).message).toMatch(
    /^2 problems:\n\nrewind:tags\.wbe names a service[^]*\[config\/bad-image\]$/,
  );
});
