import { execIn, inspectContainers, inspectNetworks, type Inspection } from '../../test/support/docker';
import type { Running, RunningService } from './model';

const serviceLabel = 'com.docker.compose.service';

// Prints every file that the model may give a container, each after a line with its path.
const listing =
  'for f in /etc/app.conf /etc/banner /srv/pages/*; do if [ -f $f ]; then echo "=== $f"; cat $f; fi; done';

/** What runs, by what the engine and the containers themselves tell; without how images were asked for. */
export async function observe(project: string): Promise<Running> {
  const [containers, networks] = await Promise.all([inspectContainers(project), inspectNetworks(project)]);
  const byService = new Map<string, Inspection[]>();
  for (const container of Object.values(containers)) {
    const service = container.Config.Labels[serviceLabel] ?? container.Name;
    byService.set(service, [...(byService.get(service) ?? []), container]);
  }
  const services = await Promise.all(
    [...byService].map(async ([service, all]): Promise<[string, RunningService]> => {
      const seen = await Promise.all(all.map((container) => observeContainer(container, project)));
      const odd = seen.find((one) => JSON.stringify(one) !== JSON.stringify(seen[0]));
      if (odd) return [service, { ...odd, containers: NaN }];
      return [service, { ...seen[0]!, containers: all.length }];
    }),
  );
  return {
    services: Object.fromEntries(services.sort(([a], [b]) => (a < b ? -1 : 1))),
    networks: Object.keys(networks).map((name) => withoutProject(name, project)),
  };
}

async function observeContainer(
  { Id, Image, Config, State, NetworkSettings, Mounts }: Inspection,
  project: string,
): Promise<RunningService> {
  const environment = Config.Env.map((line): [string, string] => {
    const at = line.indexOf('=');
    return [line.slice(0, at), line.slice(at + 1)];
  });
  const files = State.Running ? filesIn(await execIn(Id, 'sh', '-c', listing)) : { [State.Status]: 'does not run' };
  const ports = Object.entries(NetworkSettings.Ports as Record<string, { HostIp: string; HostPort: string }[] | null>);
  return {
    reference: '',
    image: Image,
    containers: 1,
    environment: Object.fromEntries(environment.filter(([key]) => key !== 'PATH').sort(([a], [b]) => (a < b ? -1 : 1))),
    files,
    networks: Object.keys(NetworkSettings.Networks)
      .map((name) => withoutProject(name, project))
      .sort(),
    ports: ports.flatMap(([port, bindings]) =>
      (bindings ?? []).map(({ HostIp, HostPort }) => `${HostIp}:${HostPort} -> ${port}`),
    ),
    volumes: Mounts.flatMap(({ Type, Name }) => (Type === 'volume' ? [withoutProject(Name!, project)] : [])),
  };
}

function filesIn(text: string): Record<string, string> {
  const parts = text.split(/^=== (.+)\n/m).slice(1);
  const files: Record<string, string> = {};
  for (let i = 0; i < parts.length; i += 2) files[parts[i]!] = `${parts[i + 1]!.trimEnd()}\n`;
  return files;
}

function withoutProject(name: string, project: string): string {
  return name.startsWith(`${project}_`) ? name.slice(project.length + 1) : name;
}
