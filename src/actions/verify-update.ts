import type Docker from 'dockerode';

import { mask } from '../container/project-secrets';
import { RewindError } from '../errors';
import type { ReleaseRecord } from '../releases/record';
import { type LookAtServices, updateProbes } from '../verify/container-probes';
import { lookingAt } from '../verify/live-service';
import { runProbes } from '../verify/probe';
import type { VerifySettings } from '../verify/settings';

/** What an update has brought about, as far as it is to be looked at. */
export interface VerifyUpdateOptions {
  readonly docker: Docker;
  /** `project/stack` of Pulumi. */
  readonly stack: string;
  /** What is to run. */
  readonly services: ReleaseRecord['services'];
  /** Names of the containers that it has declared: what else is there is removed by the engine when the program has ended. */
  readonly containers: ReadonlySet<string>;
  readonly logs: VerifySettings['logs'];
  /** The service with the database. @default none */
  readonly database?: string;
  readonly since: Date;
  /** Values that are not to be shown. */
  readonly secrets: ReadonlySet<string>;
}

const limitMs = 60_000;

/**
 * Looks, at the end of an update, whether everything runs as it should.
 *
 * @throws RewindError service/unverified with all that is wrong
 */
export async function verifyUpdate(options: VerifyUpdateOptions): Promise<void> {
  const { docker, stack, services, containers, logs, database, since, secrets } = options;
  const look = only(containers, lookingAt(docker, stack));
  const record = { services };
  const probes = updateProbes({ docker, record, look, logs, ...(database !== undefined && { database }) }, since);
  const failed = (await runProbes(probes, { limitMs })).filter(({ ok }) => !ok);
  if (failed.length === 0) return;
  const lines = failed.map(({ name, said, evidence }) =>
    [`${name}: ${said}`, ...(evidence === undefined ? [] : evidence.split('\n'))].join('\n    '),
  );
  throw new RewindError({
    code: 'service/unverified',
    message: mask(`Everything was ready, but this is not as it should be:\n${lines.join('\n')}`, secrets),
    fix: 'Mend it, or go back to what ran before. A line of a log that is harmless: rewind:verify.logs.ignore.',
  });
}

function only(names: ReadonlySet<string>, look: LookAtServices): LookAtServices {
  return async () => {
    const services = [...(await look())].map(([name, service]) => {
      const containers = service.containers.filter(({ Name: it }) => names.has(it.replace('/', '')));
      return [name, { ...service, containers }] as const;
    });
    return new Map(services);
  };
}
