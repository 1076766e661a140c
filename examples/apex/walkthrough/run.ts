import { PulumiCli } from '../../../src/automation/pulumi-cli';
import { connect } from '../../../src/docker/engine';
import { takeInventory } from '../../../src/docker/inventory';
import { RewindError } from '../../../src/errors';
import { projectEnvironment } from '../../../toolchain/environment';
import { installDir } from '../../../toolchain/places';
import { composeProject, stackName, tellStory } from './story';

/** `npm start`: sets everything up, brings the example up and walks through a release and its rollback. */
export async function start(tell: (line?: string) => void): Promise<void> {
  const env = await projectEnvironment(installDir, { images: true, announce: true });
  await tellStory({ pulumi: new PulumiCli({ directory: installDir, env }), tell, urlOf: publishedUrl });
}

/**
 * `npm run down`: takes the example down. Its data stays unless it is asked to go.
 *
 * @param volumes - whether the data is to be dropped too
 */
export async function down(tell: (line?: string) => void, volumes: boolean): Promise<void> {
  const env = await projectEnvironment(installDir);
  const pulumi = new PulumiCli({ directory: installDir, env });
  const stacks = JSON.parse(await pulumi.run(['stack', 'ls', '--json'])) as { name: string }[];
  if (stacks.some(({ name }) => name === stackName)) {
    tell('$ pulumi destroy --yes --skip-preview');
    await pulumi.run(['destroy', '--yes', '--skip-preview', '--stack', stackName]);
  }
  const { docker } = await connect();
  const data = (await takeInventory(docker)).volumes.filter(
    ({ Labels: labels }) =>
      (labels as Record<string, string> | null)?.['com.docker.compose.project'] === composeProject,
  );
  if (volumes) await Promise.all(data.map(({ Name: name }) => docker.getVolume(name).remove()));
  const names = data.map(({ Name: name }) => name).join(', ');
  tell(names === '' ? 'It is down.' : `It is down; its data ${volumes ? 'is gone' : 'stays'}: ${names}.`);
}

async function publishedUrl(service: string): Promise<string> {
  const { docker } = await connect();
  const container = (await takeInventory(docker)).containers.find(
    ({ Labels: labels }) =>
      labels['com.docker.compose.project'] === composeProject && labels['com.docker.compose.service'] === service,
  );
  const port = container?.Ports.find(({ PublicPort: published }) => published > 0);
  if (port) return `http://${port.IP}:${port.PublicPort}`;
  throw new RewindError({
    code: 'docker/failed',
    message: `The service ${service} of the example publishes no port.`,
    fix: 'Look at it: docker ps -a.',
  });
}
