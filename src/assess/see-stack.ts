import type Docker from 'dockerode';

import { mask } from '../container/project-secrets';
import { isHarmless } from '../sensitive';
import { logOf } from '../verify/container-probes';
import { type LiveService, readLiveServices } from '../verify/live-service';
import { secretsIn } from '../verify/secrets';

/** A container as it was seen, without a secret. */
export interface SeenContainer {
  readonly name: string;
  readonly service: string;
  readonly image: string;
  readonly imageId: string;
  /** `running`, `exited`, … */
  readonly state: string;
  readonly exitCode: number;
  readonly health?: string;
  readonly startedAt: string;
  readonly restarts: number;
  /** The program; what it is given may have a secret that nothing tells from the rest. */
  readonly program: string;
  /** `KEY=value`, with `[secret]` for values that are not plainly harmless. */
  readonly environment: readonly string[];
  readonly mounts: readonly string[];
  readonly networks: readonly string[];
  /** The last ones. */
  readonly log: readonly string[];
}

/** What was seen of a stack at one moment. */
export interface SeenStack {
  /** ISO 8601. */
  readonly at: string;
  readonly containers: readonly SeenContainer[];
}

const logLines = 100;

/**
 * Looks at the containers of a stack and what they have logged last. Changes nothing, and needs nothing but the engine.
 *
 * @param stack - `project/stack` of Pulumi
 */
export async function seeStack(docker: Docker, stack: string): Promise<SeenStack> {
  const at = new Date().toISOString();
  const services = await readLiveServices(docker, stack);
  const secrets = secretsIn([...services.values()].flatMap(({ containers }) => containers));
  const seen = [...services.values()].flatMap((service) =>
    service.containers.map((info) => seeContainer(docker, service, info, secrets)),
  );
  return { at, containers: await Promise.all(seen) };
}

async function seeContainer(
  docker: Docker,
  { name: service }: LiveService,
  info: Docker.ContainerInspectInfo,
  secrets: ReadonlySet<string>,
): Promise<SeenContainer> {
  const { Config: config, State: state } = info;
  const shown = (text: string): string => mask(text, secrets);
  const log = await logOf(docker.getContainer(info.Id), '1970-01-01T00:00:00Z', { tail: logLines }).catch(() => []);
  return {
    name: info.Name.slice(1),
    service,
    image: config.Image,
    imageId: info.Image,
    state: state.Paused ? 'paused' : state.Status,
    exitCode: state.ExitCode,
    ...(state.Health && { health: state.Health.Status }),
    startedAt: state.StartedAt,
    restarts: info.RestartCount,
    program: info.Path,
    environment: ((config.Env as string[] | null) ?? []).map(withoutSecret),
    mounts: info.Mounts.map(({ Type: type, Name: name, Source: source, Destination: target, RW: writable }) =>
      [type, name ?? source, target, writable ? 'rw' : 'ro'].join(' '),
    ),
    networks: Object.keys(info.NetworkSettings.Networks),
    log: log.map(shown),
  };
}

function withoutSecret(line: string): string {
  const at = line.indexOf('=');
  const [key, value] = [line.slice(0, at), line.slice(at + 1)];
  return isHarmless(key, value) ? line : `${key}=[secret]`;
}
