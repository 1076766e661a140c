import type * as docker from '@pulumi/docker';
import * as pulumi from '@pulumi/pulumi';

import type { PreparedData } from '../src/actions/prepare-data';
import { Migration } from './migration';
import type { OpEnvironment, OpSettings } from './op-command';
import { known, orNever, unknown } from './outputs';
import { Quiesce } from './quiesce';
import { Restore, restoreEnvironment } from './restore';
import type { Service } from './service';
import { Snapshot } from './snapshot';
import { Verification } from './verification';

/** What is needed to declare what becomes of the data. */
export interface DataStepsArgs {
  readonly data: PreparedData;
  readonly op: OpSettings;
  readonly services: ReadonlyMap<string, Service>;
  readonly networks: ReadonlyMap<string, docker.Network>;
  readonly volumes: ReadonlyMap<string, docker.Volume>;
  /** Rejects when the program has failed and the process goes on. */
  readonly givenUp: Promise<never>;
}

/**
 * What becomes of the data, in its order: a snapshot and beside it the restore while the application runs, then, while what
 * uses the database is stopped, the change itself; and the check when everything is ready.
 */
export class DataSteps {
  /** The change of the data, to be waited for by whoever uses it. */
  readonly changed: pulumi.Resource;
  /** Resolves when everything has been checked; in a preview at once. */
  readonly verified: Promise<void>;

  constructor(args: DataStepsArgs, parent: pulumi.Resource) {
    const { data, op, services, networks, volumes, givenUp } = args;
    const { service, restore } = { ...data, service: data.settings.service };
    const target = describe(data);
    // What is waited for may never come, where a service does not get ready. Then nothing may depend on a resource that
    // waits itself: Pulumi neither declares that nor tells whoever depends on it.
    const after = (wanted: Promise<pulumi.Resource[]>): pulumi.Output<pulumi.Resource[]> =>
      pulumi.output(Promise.race([orNever(wanted), givenUp]));

    // Which migrations come or go is shown once, where they do.
    const where = Object.fromEntries(Object.entries(target).filter(([name]) => name !== 'MIGRATIONS'));
    const ready = services.get(service)!.ready;
    const joined = [
      ...(data.alembic?.networksAdvanced ?? []).flatMap(({ name }) => networks.get(name) ?? []),
      ...(data.alembic?.mounts ?? []).flatMap(({ source }) => volumes.get(source ?? '') ?? []),
    ];
    const snapshot = new Snapshot(
      `${service}-snapshot`,
      // The container of the migrations is started beside it.
      { service, before: where, op, after: after(ready.then((database) => [...database, ...joined])) },
      { parent },
    );
    const restored = restore
      ? [new Restore(`${service}-restore`, { service, restore, op, after: after(ready) }, { parent })]
      : [];
    const quiesce = new Quiesce(`${service}-quiesce`, { service, stops: data.users }, { parent });
    const migration = new Migration(
      `${service}-migration`,
      {
        service,
        target,
        op,
        after: after(ready.then(() => [snapshot.command, ...restored.map((it) => it.command), ...joined])),
      },
      { parent: quiesce },
    );
    const all = Promise.all([...services.values()].map((it) => it.ready)).then((resources) => resources.flat());
    all.catch(() => undefined); // whoever waits for the services hears of it
    const verification = new Verification(
      `${service}-verification`,
      { service, target: where, op, after: after(all) },
      { parent },
    );
    this.changed = migration.command;
    this.verified = pulumi.runtime.isDryRun()
      ? Promise.resolve()
      : known(verification.command.id).then(() => undefined);
  }
}

/** What the data is to be, the same for as long as nothing else is asked for: a preview shows it as from and to. */
function describe({ target, restore }: PreparedData): OpEnvironment {
  return {
    ...(target === 'unknown'
      ? { REVISION: unknown(), MIGRATIONS: unknown() }
      : target && {
          REVISION: target.revisions.join('\n') || 'none',
          MIGRATIONS: target.migrations.map((it) => `${it}\n`).join(''),
        }),
    ...(restore && restoreEnvironment(restore)),
  };
}
