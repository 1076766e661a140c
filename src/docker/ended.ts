import type Docker from 'dockerode';

/**
 * Whether a container has ended as a job does: well, and either it is known to be one, or it looks so: nothing starts it
 * again, and nobody could have asked it for anything, as it publishes no port and has no health check.
 *
 * @param isJob - whether something waits for its end
 */
export function hasEndedAsJob(
  { State: state, HostConfig: host, Config: config }: Docker.ContainerInspectInfo,
  isJob = false,
): boolean {
  if (state.Status !== 'exited' || state.ExitCode !== 0) return false;
  const { Healthcheck: check } = config as { Healthcheck?: { Test?: string[] } | null };
  const ports = (host.PortBindings as object | null | undefined) ?? {};
  return (
    isJob ||
    ((host.RestartPolicy?.Name || 'no') === 'no' &&
      Object.keys(ports).length === 0 &&
      (check?.Test?.[0] ?? 'NONE') === 'NONE')
  );
}
