import { join } from 'node:path';

import * as pulumi from '@pulumi/pulumi';

import { foundInside } from '../src/actions/found-inside';
import { expectRelease, type ReleaseReason } from '../src/actions/keep-release';
import { DataExchange, type DataRun } from '../src/actions/data-run';
import { mendData } from '../src/actions/mend-data';
import { PauseMark, startPaused } from '../src/actions/pause-mark';
import { type PreparedStack, prepareStack, storeFolder } from '../src/actions/prepare-stack';
import { verifyUpdate } from '../src/actions/verify-update';
import { makeKey } from '../src/automation/stack-key';
import { RewindError } from '../src/errors';
import { madePassword } from '../src/postgres/declared';
import { projectFolder } from '../src/project-folder';
import { changedCatalogue, releasedCatalogue } from '../src/actions/released-catalogue';
import { releasedData } from '../src/actions/released-data';
import type { ReleaseRecord } from '../src/releases/record';
import { ReleaseStore } from '../src/releases/release-store';
import { newKeyNotice, parseKey } from '../src/releases/seal';
import { StackConfig } from '../src/releases/stack-config';
import type { StackSettings } from '../src/settings';
import type { ComposeStackArgs } from './compose-stack';
import { secretConfiguration, stackSettings } from './settings';
import { tellingTheFix } from './telling-the-fix';

/** What a program that runs within another process may be told of, and may tell. */
export interface ProgramOptions {
  /** Folder of Pulumi.yaml. @default the one above the current directory */
  readonly directory?: string;
  /** The stack configuration file. @default `Pulumi.<stack>.yaml` there */
  readonly configFile?: string;
  /** Whether the process goes on after the program. @default false */
  readonly inProcess?: boolean;
  /** Why the update is made. @default no reason is recorded */
  readonly reason?: ReleaseReason;
  /** Ends the waiting for services. @default never */
  readonly signal?: AbortSignal;
  /** Hears of what is about to be declared. */
  readonly onPrepared?: (prepared: PreparedStack) => void;
  /** Hears of a service that is ready. */
  readonly onReady?: (service: string) => void;
  /** Hears of the release that runs. */
  readonly onRelease?: (record: ReleaseRecord) => void;
}

/**
 * Prepares the stack that the configuration describes. Problems end the program with all of them at once, as text for
 * people: nothing has been declared yet, so nothing changes.
 */
export async function prepareFromConfig(options: ProgramOptions = fromEnvironment()): Promise<ComposeStackArgs> {
  const startedAt = new Date();
  const stack = `${pulumi.getProject()}/${pulumi.getStack()}`;
  const preview = pulumi.runtime.isDryRun();
  const directory = options.directory ?? projectFolder();
  return tellingTheFix(async () => {
    const { settings, problems } = await stackSettings();
    const store = new ReleaseStore(storeFolder(settings.store, directory), stack);
    const [prepared, key] = await Promise.all([
      prepareStack({ settings, problems, directory, stack, preview }),
      preview ? undefined : keyOf(settings, directory, store),
    ]);
    const passwordOf = passwords(settings, key);
    options.onPrepared?.(prepared);
    if (prepared.notices.length > 0) await pulumi.log.info(prepared.notices.join('\n'));
    if (prepared.warnings.length > 0) await pulumi.log.warn(prepared.warnings.join('\n'));
    const file = options.configFile ?? join(directory, `Pulumi.${pulumi.getStack()}.yaml`);
    const { data, server } = prepared;
    const mark = new PauseMark(store.folder);
    if (key && data && server) {
      const run: DataRun = {
        database: data.settings,
        ...(data.target && data.target !== 'unknown' && { revisions: data.target.revisions }),
        images: data.images,
        ...(data.alembic && { alembic: data.alembic }),
        users: data.users,
        secrets: [...prepared.secrets],
        names: [...prepared.secrets.names],
        isLocked: options.inProcess === true || process.env['REWIND_RUN'] !== undefined,
        ...(options.reason?.isPutBack && { isPutBack: true }),
      };
      await new DataExchange(store).begin(key, run);
      const mended = await mendData(store, stack, key.toString('base64'), run, server);
      if (mended !== undefined) await pulumi.log.warn(mended);
    }
    const release =
      key &&
      (await expectRelease({
        prepared,
        store,
        stack,
        key,
        retain: settings.retain,
        configuration: await StackConfig.read(file),
        secrets: secretConfiguration(),
        directory,
        reason: options.reason ?? { kind: 'update' },
        startedAt,
      }));
    const { database } = settings;
    const catalogue = key &&
      database && { docker: prepared.engine.docker, store, key, stack, database, ...(data && { data }) };
    let changed: ReturnType<typeof changedCatalogue> | undefined;
    return {
      prepared,
      stack,
      ...(database && { database, passwordOf }),
      ...(prepared.inside && { foundInside: foundInside(prepared.inside, passwordOf) }),
      readyTimeoutSeconds: settings.readyTimeoutSeconds,
      inProcess: options.inProcess ?? false,
      ...(data && {
        op: {
          stack,
          store: settings.store,
          directory,
          key: secretKey(key?.toString('base64') ?? settings.key),
        },
        startStopped: (service: string, id: string) => startPaused(prepared.engine.docker, mark, service, id),
      }),
      ...(options.onReady && { onReady: options.onReady }),
      ...(options.signal && { signal: options.signal }),
      ...(catalogue && {
        onStarted: () => {
          changed = changedCatalogue(catalogue);
        },
      }),
      ...(release && {
        afterReady: async () => {
          options.signal?.throwIfAborted();
          if (data) await mark.end();
          await verifyUpdate({
            docker: prepared.engine.docker,
            stack,
            services: plannedServices(prepared),
            containers: new Set(prepared.services.flatMap((it) => it.containers.map(({ name }) => name))),
            logs: settings.verify.logs,
            ...(database && { database: database.service }),
            since: startedAt,
            secrets: prepared.secrets,
          }).catch(async (error: unknown) => {
            await release.abandon();
            throw error;
          });
          const record = await release.keep(
            data && (await releasedData(store, data)),
            catalogue && (() => releasedCatalogue({ ...catalogue, ...(changed && { changed }) })),
          );
          options.onRelease?.(record);
          await release.letGo();
        },
        afterFailure: release.abandon,
      }),
    };
  });
}

function plannedServices({ services }: PreparedStack): ReleaseRecord['services'] {
  return Object.fromEntries(
    services.flatMap(({ service, reference: image, containers }) => {
      const imageId = containers[0]?.image;
      return imageId === undefined ? [] : [[service, { image, imageId, containers: containers.length }] as const];
    }),
  );
}

function secretKey(key: string | undefined): pulumi.Output<string> | undefined {
  return key === undefined ? undefined : pulumi.secret(key);
}

/** Passwords of declared roles: those of the configuration, else made of the key, which the first update makes. */
function passwords(
  { passwords, key: text }: StackSettings,
  made: Buffer | undefined,
): (role: string) => string | undefined {
  const key = made ?? (text === undefined ? undefined : parseKey(text));
  return (role) => passwords[role] ?? (key && madePassword(key, role));
}

/** What `rewind` tells a program that runs in a process of its own. */
function fromEnvironment(): ProgramOptions {
  return JSON.parse(process.env['REWIND_RUN'] ?? '{}') as ProgramOptions;
}

/** The key of the stack's releases; the first update makes it. */
async function keyOf({ key: text }: StackSettings, directory: string, store: ReleaseStore): Promise<Buffer> {
  if (text === undefined && (await store.numbers()).length > 0) await pulumi.log.warn(newKeyNotice);
  const key = parseKey(text ?? (await makeKey(directory, pulumi.getStack())));
  if (key) return key;
  throw new RewindError({
    code: 'config/invalid',
    message: 'rewind:key is no key: it has to be 32 bytes in base64.',
    fix: 'Set it to what it was, or remove it for a new one (earlier releases cannot be brought back then): pulumi config rm rewind:key.',
  });
}
