import type Docker from 'dockerode';

/**
 * Whether a container has ended as a job does, of which a compose file does not say that it is one: well, nothing starts it
 * again, and nobody could have asked it for anything, as it publishes no port and has no health check.
 */
export function hasEndedAsJob({
  State: state,
  HostConfig: host,
  Config: config,
}: Docker.ContainerInspectInfo): boolean {
  const { Healthcheck: check } = config as { Healthcheck?: { Test?: string[] } | null };
  const ports = (host.PortBindings as object | null | undefined) ?? {};
  return (
    state.Status === 'exited' &&
    state.ExitCode === 0 &&
    (host.RestartPolicy?.Name || 'no') === 'no' &&
    Object.keys(ports).length === 0 &&
    (check?.Test?.[0] ?? 'NONE') === 'NONE'
  );
}
