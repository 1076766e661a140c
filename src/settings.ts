import { type CacheSettings, cacheSchema } from './cache/settings';
import { type Thresholds, thresholdsSchema } from './assess/thresholds';
import type { Problem } from './errors';
import { driftSchema, type DriftSettings } from './drift/ignore';
import { notifySchema, type NotifyTarget } from './notify/settings';
import { usualStore } from './project-folder';
import { readShaped } from './shaped';
import { type VerifySettings, verifySchema } from './verify/settings';
import { type RawSettings, type RoleRights, SettingsReader } from './settings-reader';

/** Where a stack's data is. */
export interface DatabaseSettings {
  /** The service with the Postgres database. */
  readonly service: string;
  /** The application's database. @default POSTGRES_DB of the container, else the user's name */
  readonly name?: string;
  /** The role to work as; its password is that of the container. @default POSTGRES_USER of the container, else postgres */
  readonly user?: string;
  /** The service whose image has the alembic migrations. @default there are none */
  readonly alembic?: AlembicSettings;
  /** Revisions that the schema is to stand at. @default the heads of the image of the service with the migrations */
  readonly revision?: readonly string[];
  /** What the data was brought back from. @default it was not */
  readonly restore?: RestoreSettings;
  /** Up to which size, in bytes, what the proof of a snapshot has restored stays on the server. @default a gibibyte */
  readonly readyUpTo?: number;
  /** Whether there is a role that may read everything and change nothing: `rewind_verifier`. @default false */
  readonly verifier?: boolean;
  /** Further roles that may log in, with what they may do to the tables of the server. @default none */
  readonly roles?: Readonly<Record<string, RoleRights>>;
  /** Further databases, with the role that owns each. @default none */
  readonly databases?: Readonly<Record<string, string>>;
  /** Extensions of the application's database. @default those that are there */
  readonly extensions?: readonly string[];
}

/** A restore that is part of the stack's state: it is done once, when it comes to be there or changes. */
export interface RestoreSettings {
  /** A snapshot, or a database that is kept aside. */
  readonly source: { readonly snapshot: string } | { readonly database: string };
  /** When it was asked for: tells two restores of the same snapshot apart. */
  readonly at: string;
}

/** Where a stack's migrations are. */
export interface AlembicSettings {
  readonly service: string;
  /** Table in which alembic keeps the revision. @default alembic_version */
  readonly table?: string;
  /** Schema of that table. @default public */
  readonly schema?: string;
}

/** The `rewind:` settings of a stack, as values. docs/configuration.md explains each with an example. */
export interface StackSettings {
  /** `rewind:compose`: compose files, counted from the folder of Pulumi.yaml. @default compose.yaml */
  readonly compose: readonly string[];
  /** `rewind:compose.release`: the release whose kept model runs instead of the files. @default the files do */
  readonly release: number | undefined;
  /** `rewind:envFile`: env files for interpolation. @default `.env` beside the compose file */
  readonly envFiles: readonly string[];
  /** `rewind:profiles`. @default none */
  readonly profiles: readonly string[];
  /** `rewind:project`: name of the compose project. @default what the compose file says */
  readonly project: string | undefined;
  /**
   * `rewind:tags`, over `rewind:compose.tags`: by service, a tag, a full reference or an image ID.
   *
   * @default the compose file's images
   */
  readonly tags: Readonly<Record<string, string>>;
  /** `rewind:images`: by image reference, the ID that it stands for, whatever the tag points to by now. */
  readonly images: Readonly<Record<string, string>>;
  /** `rewind:env`: by service, environment variables over those of the compose file. */
  readonly env: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** `rewind:secrets`: by service, secret environment variables over those of the compose file. */
  readonly secrets: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** `rewind:show`: by service, environment keys whose values may be shown in a preview. */
  readonly show: Readonly<Record<string, readonly string[]>>;
  /** `rewind:files`: by path, the content hash of an earlier version of a configuration file. */
  readonly files: Readonly<Record<string, string>>;
  /** `rewind:store`: URL of the store. @default file://./.rewind */
  readonly store: string;
  /** `rewind:readyTimeoutSeconds`: bound for services whose health check sets none. @default 300 */
  readonly readyTimeoutSeconds: number;
  /** `rewind:database`. @default no service of the stack is a database that Rewind knows of */
  readonly database: DatabaseSettings | undefined;
  /** `rewind:passwords`: by role that `rewind:database` declares. @default made of `rewind:key` */
  readonly passwords: Readonly<Record<string, string>>;
  /** `rewind:retain`: how many releases keep their images. @default 10 */
  readonly retain: number;
  /** `rewind:verify`: what is looked at beyond what the compose file tells. */
  readonly verify: VerifySettings;
  /** `rewind:assess`: from where on something is a trigger. */
  readonly assess: Thresholds;
  /** `rewind:cache`. @default no service may be emptied */
  readonly cache: CacheSettings | undefined;
  /** `rewind:infrastructure`: services that a restart leaves up. @default found out */
  readonly infrastructure: readonly string[] | undefined;
  /** `rewind:notify`: who is told of what happens. @default nobody */
  readonly notify: readonly NotifyTarget[];
  /** `rewind:drift`: differences that are known. @default none */
  readonly drift: DriftSettings;
  /** `rewind:key`: what the kept parts of releases are encrypted with. @default made by the first update */
  readonly key: string | undefined;
}

/** What the reference page says of a setting. */
export interface SettingDocs {
  readonly about: string;
  /** A value as it stands in the YAML of the stack configuration. */
  readonly example: string;
  /** What holds if it is not set. */
  readonly default: string;
}

/** Every setting with an example; docs/configuration.md is made of these. */
export const settingKeys: Readonly<Record<string, SettingDocs>> = {
  compose: {
    about:
      'The compose file, or a list of files of which later ones override earlier ones. After `rewind revert` it is `{release: 3, files: [compose.yaml]}`: the model that release r3 ran, kept in the store, runs again until the next `rewind deploy`, which goes back to the files. `tags` in it are those of jobs that stay with a schema which a revert has kept.',
    example: '[compose.yaml, compose.production.yaml]',
    default: '`compose.yaml`',
  },
  envFile: {
    about: 'An env file, or a list, for the variables of the compose file.',
    example: '.env.production',
    default: '`.env` beside the compose file, if there is one',
  },
  profiles: { about: 'The compose profiles to bring up.', example: '[debug]', default: 'none' },
  project: { about: 'Name of the compose project.', example: 'shop', default: 'what the compose file says' },
  tags: {
    about: 'Image of a service: a tag of the image in the compose file, a full reference, or an image ID (`sha256:…`).',
    example: '{api: v0.2.0, worker: "registry.example.com/worker:v0.2.0"}',
    default: 'the images of the compose file',
  },
  images: {
    about:
      'The image ID that an image reference stands for: it runs whatever the tag points to by now. Written by `rewind deploy` and `rewind revert`; a tag that is not in it is looked up as ever.',
    example: '{"shop-api:v0.2.0": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"}',
    default: 'none: each tag is what it points to',
  },
  env: {
    about: 'Environment variables of a service, over those of the compose file.',
    example: '{api: {LOG_LEVEL: debug}}',
    default: 'none',
  },
  secrets: {
    about:
      'Like `env`, but never shown. Set with `pulumi config set --secret --path rewind:secrets.api.API_TOKEN`, which asks for the value and encrypts it.',
    example: '{api: {API_TOKEN: {secure: v1:…}}}',
    default: 'none',
  },
  show: {
    about:
      'Environment keys of a service whose values a preview may show. Others are masked unless their name is plainly harmless, such as LOG_LEVEL.',
    example: '{api: [REGION_NAME]}',
    default: 'none',
  },
  files: {
    about: 'An earlier content of a configuration file, by the hash that `pulumi stack output files` gave for it.',
    example: '{frontend/nginx.conf: "sha256:…"}',
    default: 'the files as they are now',
  },
  store: {
    about: 'Where releases and configuration files are kept. A relative path counts from the folder of Pulumi.yaml.',
    example: 'file:///srv/rewind/shop',
    default: '`file://./.rewind`',
  },
  readyTimeoutSeconds: {
    about: 'How many seconds a service without a health check of its own may take to get ready.',
    example: '60',
    default: '300',
  },
  database: {
    about:
      'The service with the Postgres database, and the one whose image has the alembic migrations. `name` and `user` are those of the container’s environment (`POSTGRES_DB`, `POSTGRES_USER`) unless they are given, and so are alembic’s `table` and `schema` those of alembic. `revision` is where the schema is to stand: `head`, which is the newest migration of the image, a revision, or a list of one per branch. `restore` is what the data was last brought back from, `{snapshot: s-…, at: …}` or `{database: …, at: …}`; both are written by `rewind revert`. `readyUpTo` is how large a database may be (`500mb`, `2gb`; `0` is never) for what the proof of a snapshot has restored to stay on the server, so that bringing it back is a change of names; 1gb if it is not given. What is declared inside of the server: `verifier`, a role that may read and not write; `roles`, each with `read`, `write` or `none`; `databases`, each with its owner; `extensions`. See [database.md](database.md#roles-databases-and-extensions).',
    example:
      '{service: db, name: shop, user: shop, alembic: {service: api}, revision: head, verifier: true, roles: {reports: read}, extensions: [pg_trgm]}',
    default: 'none',
  },
  passwords: {
    about:
      'Passwords of roles that `rewind:database` declares. Set with `pulumi config set --secret --path rewind:passwords.reports`, which asks for the value and encrypts it.',
    example: '{reports: {secure: v1:…}}',
    default: 'made of `rewind:key`: the same as long as that is',
  },
  retain: {
    about: 'How many releases, counted from the newest, keep their images on the engine.',
    example: '20',
    default: '10',
  },
  verify: {
    about:
      'What `rewind verify` looks at beyond what the compose file tells (that everything runs, from the images of the release, passes its health checks and answers at its published ports; that the database stands where the release has left it). `http`: requests with the `status`, text (`contains`), values by JSONPath (`json`, or `has` where any will do) and time (`withinMs`) of the answer. `sql`: a query with one value, asked as the role `rewind_verifier` where there is one. `workflows`: steps of requests; what `save` takes out of an answer stands in later steps as `${name}`. `logs`: patterns of lines that are `critical`, and of those to `ignore`. At the level full: `load`, requests and the time for half (`p50Ms`) or nearly all of them (`p95Ms`), `monitoring`, requests like those of `http`, and `rowsLost`, the percentage of its rows that a table may have lost since the last look. See [verify.md](verify.md).',
    example:
      '{http: [{service: api, port: 8000, path: /api/v1/projects, has: [$.projects], withinMs: 500}], sql: [{query: SELECT count(*) FROM projects, atLeast: 1}]}',
    default: 'what the compose file tells',
  },
  assess: {
    about:
      'From where on something is a trigger for `rewind assess`: `startAttempts`, `loopEnds` within `windowMinutes`, `slowMs`, `errorRate`, `cpu`, `memory` and `disk` as parts of 1, `lostLines`. See [assess.md](assess.md).',
    example: '{slowMs: 2000, errorRate: 0.01}',
    default:
      'those of the runbook: 3 tries, 3 ends in 10 minutes, 5 s, 5 %, 95 % of the processor, 90 % of memory or disk',
  },
  cache: {
    about:
      'The service that `rewind restart --flush-cache` may empty: `flush` is the command that does it, run in its container, and `show` the one that says what is in it.',
    example: '{service: cache, flush: [redis-cli, FLUSHDB], show: [redis-cli, INFO, keyspace]}',
    default: 'none',
  },
  infrastructure: {
    about: 'Services that `rewind restart` leaves up: what the application stands on.',
    example: '[db, cache]',
    default: 'services that start after nothing, that others start after, and that no release has changed',
  },
  notify: {
    about:
      "Who is told when a deploy, revert or drill begins (`start`), has succeeded (`success`) or failed (`failure`), when a reason to roll back shows up (`trigger`), and when what `rewind watch` finds is another (`drift`): webhooks, with `format` json, slack or teams, and commands, which get the same JSON by standard input. What does not arrive is tried three times and never holds anything up. The address of a webhook is a secret: set it with `pulumi config set --secret --path 'rewind:notify[0].url'`.",
    example: '[{url: {secure: v1:…}, format: slack, on: [failure, trigger]}, {command: [/usr/local/bin/page]}]',
    default: 'nobody',
  },
  drift: {
    about:
      'Differences between what was released and what is there that `rewind drift` is not to count: each with the ID of the finding (`*` stands for any text), the reason, and the last day on which the rule holds. See [drift.md](drift.md).',
    example: '{ignore: [{what: "container/api-1/env.DEBUG", reason: incident 42, until: 2026-12-31}]}',
    default: 'none is left out',
  },
  key: {
    about:
      'The key with which the compose models and configurations of releases are encrypted in the store; itself a secret of the stack, so that whoever may read those may read these. The first update makes it. Without it earlier releases cannot be brought back.',
    example: '{secure: v1:…}',
    default: 'made by the first update',
  },
};

/** Checks raw settings and fills in defaults; reports everything that is wrong, with its path. */
export function readSettings(raw: RawSettings): { readonly settings: StackSettings; readonly problems: Problem[] } {
  const read = new SettingsReader(raw);
  read.knowOnly(Object.keys(settingKeys));
  const verify = readShaped('verify', verifySchema, raw['verify']);
  const assess = readShaped('assess', thresholdsSchema, raw['assess']);
  const cache =
    raw['cache'] === undefined ? undefined : readShaped('cache', cacheSchema, raw['cache'], { service: '-' });
  const drift = readShaped('drift', driftSchema, raw['drift']);
  const notify = readShaped('notify', notifySchema, raw['notify'], []);
  const { files: compose, release, tags: releaseTags } = read.filesOrRelease('compose');
  const settings: StackSettings = {
    compose: compose.length > 0 ? compose : ['compose.yaml'],
    release,
    envFiles: read.texts('envFile') ?? [],
    profiles: read.texts('profiles') ?? [],
    project: read.text('project'),
    tags: { ...releaseTags, ...read.tagByName('tags') },
    images: read.imageIdByName('images'),
    env: read.textByNameByService('env'),
    secrets: read.textByNameByService('secrets'),
    show: read.keysByService('show'),
    files: read.textByName('files'),
    store: read.fileUrl('store') ?? usualStore,
    readyTimeoutSeconds: read.seconds('readyTimeoutSeconds') ?? 300,
    database: read.database('database'),
    passwords: read.textByName('passwords'),
    retain: read.count('retain') ?? 10,
    key: read.text('key'),
    verify: verify.settings,
    assess: assess.settings,
    cache: cache?.settings,
    infrastructure: read.texts('infrastructure'),
    notify: notify.settings,
    drift: drift.settings,
  };
  return {
    settings,
    problems: [
      ...read.problems,
      ...verify.problems,
      ...assess.problems,
      ...notify.problems,
      ...drift.problems,
      ...(cache?.problems ?? []),
    ],
  };
}
