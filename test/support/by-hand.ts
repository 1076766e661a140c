import { engine, inspectContainer } from './docker';

/** A container to be made, as a test changes it. */
export interface MadeContainer {
  Env: string[];
  Cmd: string[];
  Image: string;
  User?: string;
  Labels: Record<string, string>;
  readonly HostConfig: Record<string, unknown> & { PortBindings: Record<string, unknown> };
}

/** How a container is made again. */
export interface RemakeOptions {
  /** Whether it carries the labels of the one before. @default true */
  readonly keepsLabels?: boolean;
  /** @default true */
  readonly starts?: boolean;
}

/** Makes a container again by hand, like `docker run` with the same name and labels, and something changed. */
export async function remakeContainer(
  name: string,
  change: (config: MadeContainer) => void,
  { keepsLabels = true, starts = true }: RemakeOptions = {},
): Promise<void> {
  const { Id, Config, HostConfig, NetworkSettings } = await inspectContainer(name);
  const client = await engine();
  const options: MadeContainer = {
    Image: Config.Image,
    Env: Config.Env,
    Cmd: Config.Cmd,
    Labels: keepsLabels ? Config.Labels : {},
    HostConfig: { ...HostConfig, PortBindings: { ...(HostConfig.PortBindings as Record<string, unknown>) } },
  };
  change(options);
  await client.getContainer(name).remove({ force: true });
  const made = await client.createContainer({ ...options, name });
  if (HostConfig.NetworkMode === 'bridge')
    await client
      .getNetwork('bridge')
      .disconnect({ Container: made.id })
      .catch(() => undefined);
  for (const [network, { Aliases }] of Object.entries(NetworkSettings.Networks)) {
    // The engine adds the short ID by itself.
    const aliases = (Aliases as string[] | null)?.filter((alias) => !Id.startsWith(alias)) ?? [];
    await client.getNetwork(network).connect({ Container: made.id, EndpointConfig: { Aliases: aliases } });
  }
  if (starts) await made.start();
}
