import { type ErrorCode, errorCodes } from '../../src/errors';
import { notice, type Page, table } from './page';

/** What each group of codes is about, in the order of the page. */
const groups: Readonly<Record<string, string>> = {
  config: 'The stack configuration',
  compose: 'The compose file',
  docker: 'The Docker engine',
  service: 'Services',
  release: 'Releases',
  drift: 'Drift',
  operation: 'Operations',
  store: 'The store',
  database: 'The database',
  migration: 'Migrations',
  snapshot: 'Snapshots',
  setup: 'Set-up',
  cli: 'The command line',
  pulumi: 'Pulumi',
};

/** How each is usually mended. The error itself names the command or the line for the case at hand. */
const mending: Readonly<Record<ErrorCode, string>> = {
  'config/invalid':
    'Correct or remove the setting: `pulumi config set --path …`, `pulumi config rm --path …`. [configuration.md](configuration.md) lists all.',
  'config/unknown-service': 'Correct the name; the error lists the services that there are.',
  'config/bad-image':
    'Give a tag (`v0.2.0`), a reference (`registry.example.com/api:v0.2.0`) or an ID (`sha256:…`). A tag that YAML reads as a number goes in quotes.',
  'config/file-pin': 'Take a hash that an earlier update put out (`pulumi stack output files`), or remove the pin.',
  'compose/not-found': 'Correct the path; it counts from the folder of Pulumi.yaml.',
  'compose/invalid': 'Mend the file; the error has the words of docker compose, and the command that checks the file.',
  'compose/unset-variable':
    'Set the variable in the environment, in `.env` or in an env file (`rewind:envFile`), or give it a default: `${NAME:-value}`.',
  'compose/unsupported':
    'Change the key as the error says, or move the service into a compose file of its own, outside the stack.',
  'compose/cycle': 'Remove one of the `depends_on` entries that the error names.',
  'compose/missing-file': 'Put the file there and make it readable, or correct its path.',
  'docker/no-cli': 'Run `npx rewind setup`, or install the Docker Compose plugin, version 2 or newer.',
  'docker/unreachable':
    'Start Docker (`npx rewind setup` does it where it can), or point `DOCKER_HOST` or the Docker context at a running engine.',
  'docker/failed': 'The error has the words of the engine; `docker info` and the log of the engine tell more.',
  'docker/missing-image': 'Build, load or log in to pull it, or choose a tag that is there; the error lists those.',
  'docker/port-taken':
    'Stop what has the port, or move the service with the variable that the error names. Two services cannot publish the same one.',
  'docker/foreign-container':
    'Hand a project that docker compose runs over with `docker compose -p NAME down` (never with `-v`: volumes stay), or rename the container.',
  'docker/foreign-network':
    'Declare the network `external: true` to use it as it is, give yours another name, or remove it: `docker network rm NAME`.',
  'docker/build-failed': 'Mend the Dockerfile; `docker compose build SERVICE` repeats it by hand.',
  'docker/missing-external': 'Create it: `docker network create NAME`, `docker volume create NAME`.',
  'service/not-ready':
    'Read its last log lines and what its health check said, both in the error. `rewind deploy` puts back what ran before; after a bare `pulumi up`: `rewind revert`, with the release that ran.',
  'service/unverified':
    'Mend what it names. A line of a log that is harmless: `rewind:verify.logs.ignore`; nothing of it is put back by a bare `pulumi up`.',
  'release/unknown': 'Choose one that `rewind history` lists.',
  'release/damaged': 'Bring the file back from a backup, or choose another release.',
  'release/unreadable':
    'Bring back the file that the error names, or the `rewind:key` that the stack configuration had then; or choose another release.',
  'release/locked': 'Wait for it, or end the process that the error names; the lock of one that died is taken over.',
  'release/loss':
    'Look at what would be lost (`rewind plan`), then name it as the error says, or leave the schema as it is: `--database=keep`.',
  'drift/outdated': 'Look at it once more: `rewind drift`.',
  'drift/not-accepted':
    'The error names the file that could not be read or written; or put the live system right instead: `rewind drift --fix`.',
  'operation/unknown': 'See which there are: `rewind report --list`.',
  'operation/damaged': 'Bring the file back from a backup; records that come after it are held against it.',
  'operation/none': 'See where the stack stands: `rewind status`.',
  'store/unusable':
    'Make the folder writable, make sure that its disk has room, or move the store with `rewind:store`.',
  'database/not-postgres': 'Name the service that is: `pulumi config set --path rewind:database.service SERVICE`.',
  'database/too-old':
    'Upgrade the server to Postgres 13 or newer; to 14 where `rewind:database` declares roles that read or write every table.',
  'database/unreachable': 'See what it says: `docker compose logs SERVICE`; start it: `rewind restart SERVICE`.',
  'database/no-login':
    'Name a role that may log in (`rewind:database.user`), or give it the password that the container’s environment has.',
  'database/unknown': 'Name a database that there is: `pulumi config set --path rewind:database.name NAME`.',
  'database/read-only':
    'Name the service of the primary in `rewind:database.service`; or turn `default_transaction_read_only` off where it was turned on.',
  'database/no-room':
    'Make room on the disk of the volume. Databases that were kept aside take some: `rewind snapshot list`, `rewind snapshot prune`.',
  'database/locked': 'End the transaction that holds the lock; the error says whose it is where the server tells.',
  'database/failed': 'The error has the words of the server; `docker compose logs SERVICE` tells more.',
  'migration/no-alembic':
    'Name the service whose image has alembic and the migrations: `rewind:database.alembic.service`; the error has what alembic says.',
  'migration/failed': 'The error has what alembic says. The schema is as it was before, and so is the application.',
  'migration/unknown-revision':
    'Leave the schema as it is (`--database=keep`), or bring back the data of a snapshot (`--database=restore`); or get an image back that knows both.',
  'migration/no-downgrade':
    'Leave the schema as it is (`--database=keep`), or bring back the data of a snapshot (`--database=restore`); or write the downgrade.',
  'migration/unfinished':
    'The error says what is not as it should be. The snapshot that was taken first is in `rewind snapshot list`.',
  'snapshot/unknown': 'Choose one that `rewind snapshot list` lists.',
  'snapshot/damaged': 'Bring the files back from a backup, or choose another snapshot: `rewind snapshot list`.',
  'snapshot/unusable':
    'The error says what the file is and what is missing; nothing has been touched. [import.md](import.md) has what can be used.',
  'snapshot/not-restorable':
    'Take another one (`rewind snapshot create --prove`), and keep the old one until you know what is wrong with it.',
  'snapshot/in-place':
    'Put the data of before back: `rewind snapshot undo`; or mend the service and `rewind restart` it.',
  'setup/node': 'Install Node.js 20 or newer.',
  'setup/docker':
    'Install and start Docker as the error says; on Debian and Ubuntu `npx rewind setup` does it as root.',
  'setup/engine': 'Install Pulumi, allow its download, or install Go, with which the set-up builds it.',
  'setup/images': 'See what the build says; `npm start` tries again.',
  'setup/locked': 'Wait for the other set-up to end; the error names its process.',
  'setup/failed': 'See what the step says; the next run takes up where this one stopped.',
  'cli/usage': 'Look at `npx rewind --help`.',
  'pulumi/failed':
    'See what Pulumi says. After an interrupted update: `pulumi cancel --yes`, then `pulumi up`; a warning of pending operations goes with `pulumi refresh --clear-pending-creates`.',
};

export const errorsPage: Page = {
  file: 'docs/errors.md',
  render: () =>
    [
      notice('src/errors.ts'),
      '# Errors',
      'Every error says what is wrong, where, and how to mend it, and ends with a code:',
      [
        '```text',
        'rewind:tags.wbe names a service that the compose file does not have.',
        '  → Remove it: pulumi config rm --path rewind:tags.wbe. The services are: api, db, web. [config/unknown-service]',
        '```',
      ].join('\n'),
      'All problems that can be found before an update are told at once, at the preview already, and nothing has changed then.',
      ...Object.entries(groups).flatMap(([group, title]) => [`## ${title}`, tableOf(group)]),
    ].join('\n\n'),
};

function tableOf(group: string): string {
  const codes = (Object.keys(errorCodes) as ErrorCode[]).filter((code) => code.startsWith(`${group}/`));
  return table(
    ['Code', 'What is wrong', 'How it is mended'],
    codes.map((code) => [`\`${code}\``, errorCodes[code], mending[code]]),
  );
}
