import { setTimeout as sleep } from 'node:timers/promises';

import { run } from '../../src/process';
import { postgresImage } from '../../test/support/test-database';

/** A Postgres server in a container of its own, asked with its own tools and nothing of Rewind's. */
export class SoakServer {
  /** Name of its container. */
  readonly container: string;
  readonly user = 'owner';
  /** `server_version_num`. */
  version = 0;

  private constructor(container: string) {
    this.container = container;
  }

  /** Starts a server; one of that name that an earlier run has left goes first. */
  static async start(container: string, image = postgresImage): Promise<SoakServer> {
    await run(['docker', 'rm', '--force', '--volumes', container]);
    const server = new SoakServer(container);
    const variables = ['--env', `POSTGRES_USER=${server.user}`, '--env', 'POSTGRES_PASSWORD=soak'];
    const settings = ['-c', 'fsync=off', '-c', 'max_locks_per_transaction=256', '-c', 'wal_level=logical'];
    const start = ['docker', 'run', '--detach', '--name', container, ...variables, image] as const;
    await must([...start, 'postgres', ...settings]);
    const ready = ['docker', 'exec', container, 'pg_isready', '-q', '-h', '127.0.0.1'] as const;
    for (const end = Date.now() + 60_000; (await run(ready)).exitCode !== 0;) {
      if (Date.now() > end) throw new Error(`The server in ${container} does not answer.`);
      await sleep(100);
    }
    server.version = Number(await server.sql('SHOW server_version_num'));
    return server;
  }

  /** Runs statements one by one; the first that fails is thrown. */
  async sql(script: string, database = 'postgres'): Promise<string> {
    return must(this.#psql(database, '1'), script);
  }

  /** Runs statements one by one, and goes on after one that fails. */
  async try(script: string, database: string): Promise<void> {
    await run(this.#psql(database, '0'), { input: script });
  }

  /** All that pg_dump says of a database: the text that makes it again, with every row. */
  async dump(database: string): Promise<string> {
    return must(['docker', 'exec', ...this.#login(database), this.container, 'pg_dump', '--create']);
  }

  async remove(): Promise<void> {
    await run(['docker', 'rm', '--force', '--volumes', this.container]);
  }

  #psql(database: string, stop: string): [string, ...string[]] {
    const argv = ['psql', '-X', '-q', '-A', '-t', '-v', `ON_ERROR_STOP=${stop}`, '-f', '-'];
    return ['docker', 'exec', '-i', ...this.#login(database), this.container, ...argv];
  }

  #login(database: string): string[] {
    const env = {
      PGUSER: this.user,
      PGDATABASE: database,
      PGCLIENTENCODING: 'UTF8',
      PGOPTIONS: '-c row_security=off -c quote_all_identifiers=off -c statement_timeout=0 -c lock_timeout=0',
    };
    return Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
  }
}

async function must(argv: readonly [string, ...string[]], input?: string): Promise<string> {
  const { exitCode, stdout, stderr } = await run(argv, input === undefined ? {} : { input });
  if (exitCode !== 0) throw new Error(`${argv.slice(0, 3).join(' ')} … failed: ${stderr.slice(-2000)}`);
  return stdout;
}
