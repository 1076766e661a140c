import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { connect } from '../src/docker/engine';
import { removeProject } from '../test/support/docker';
import { installDir } from '../toolchain/places';
import { composeFile, must, portVariables } from './example-stacks';
import { type Finished, withPeakMemory } from './peak-memory';
import { type BenchProject, makeProject } from './project';
import { untilProved } from '../test/support/until-proved';

const project = 'rewind-bench-database';
const apiPort = 18_440;
/** In the database's own container, where pg_restore can read it in parts. */
const archive = '/var/lib/postgresql/data/bench.dump';
const healthyWithinMs = 120_000;

/** The example at v0.1.0 in Rewind's hands, with a database of a size. */
export class DatabaseStack {
  /** What its containers are labelled with. */
  readonly label = `com.docker.compose.project=${project}`;
  /** An answer of the API that comes out of the database. */
  readonly url = `http://127.0.0.1:${apiPort}/api/v1/jobs/00000001-5eed-4000-8000-000000000000`;
  readonly #project: BenchProject;

  private constructor(project: BenchProject) {
    this.#project = project;
  }

  /** Brings it up without data, uses it and removes it, with whatever is in it. */
  static async use<T>(work: (stack: DatabaseStack) => Promise<T>): Promise<T> {
    await removeProject(project);
    const made = await makeProject('database', portVariables(apiPort));
    try {
      const settings = { compose: composeFile, project, 'database.service': 'db', 'database.alembic.service': 'api' };
      const values = Object.entries(settings).flatMap(([key, value]) => ['--plaintext', `rewind:${key}=${value}`]);
      await made.pulumi.run(['config', 'set-all', '--path', ...values]);
      const stack = new DatabaseStack(made);
      await stack.deploy('v0.1.0');
      return await work(stack);
    } finally {
      await made.pulumi.run(['destroy', '--yes', '--skip-preview']).catch(() => undefined);
      await removeProject(project);
      await rm(made.folder, { recursive: true, force: true });
    }
  }

  /** Brings every service of the application to a release, by `pulumi up`, and waits until nothing of it goes on. */
  async deploy(tag: string): Promise<void> {
    const services = ['api', 'worker', 'signcalc', 'frontend', 'migrate'];
    const tags = services.flatMap((service) => ['--plaintext', `rewind:tags.${service}=${tag}`]);
    await this.#project.pulumi.run(['config', 'set-all', '--path', ...tags]);
    await this.#project.pulumi.run(['up', '--yes', '--skip-preview']);
    await untilProved(`${basename(this.#project.folder)}/bench`);
  }

  /**
   * Fills the database, and dumps it in the two ways in which the peers restore it.
   *
   * @param size - as examples/apex/seed.mjs names it
   */
  async fill(size: string): Promise<void> {
    const seed = join(installDir, 'examples', 'apex', 'seed.mjs');
    await must([process.execPath, seed, '--project', project, '--size', size]);
    await this.#sh('docker exec "$DB" pg_dump -U apex apex > dump.sql');
    await this.#inDatabase('pg_dump', '-Fc', '-U', 'apex', '-f', archive, 'apex');
  }

  /** Runs `rewind …` in a process of its own. */
  rewind(...args: string[]): Promise<Finished> {
    const { env, folder } = this.#project;
    const argv = [process.execPath, join(installDir, 'dist', 'cli.js'), ...args, '--stack', 'bench'] as const;
    return withPeakMemory(argv, { env, cwd: folder });
  }

  /** The way of the runbook, without its fixed pauses: stop, drop and create, `psql < dump`, alembic, start, wait. */
  async restoreByRunbook(): Promise<void> {
    const application = [container('api'), container('worker')];
    await must(['docker', 'stop', ...application]);
    await this.#query('DROP DATABASE apex');
    await this.#query('CREATE DATABASE apex');
    await this.#sh('docker exec -i "$DB" psql -q -U apex apex < dump.sql > psql.log');
    await must(['docker', 'start', '--attach', container('migrate')]);
    await must(['docker', 'start', ...application]);
    await untilHealthy(application);
  }

  /** `pg_restore -j2` into an empty database, and nothing else. */
  async bareRestore(): Promise<void> {
    await this.#query('CREATE DATABASE bench');
    await this.#inDatabase('pg_restore', '-j2', '-U', 'apex', '-d', 'bench', archive);
  }

  async dropBareRestore(): Promise<void> {
    await this.#query('DROP DATABASE bench');
  }

  /** The revision that the database stands at. */
  revision(): Promise<string> {
    return this.#inDatabase('psql', '-U', 'apex', '-Atc', 'SELECT version_num FROM alembic_version');
  }

  #query(sql: string): Promise<string> {
    return this.#inDatabase('psql', '-q', '-U', 'apex', '-d', 'postgres', '-c', sql);
  }

  #inDatabase(...argv: string[]): Promise<string> {
    return must(['docker', 'exec', container('db'), ...argv]);
  }

  /** What needs a redirection, which a dump of some gigabytes should not pass through this process for. */
  #sh(script: string): Promise<string> {
    return must(['sh', '-c', script], { cwd: this.#project.folder, env: { DB: container('db') } });
  }
}

function container(service: string): string {
  return `${project}-${service}-1`;
}

/** Waits until Docker itself calls containers healthy, as `docker compose ps` would show it. */
async function untilHealthy(names: readonly string[]): Promise<void> {
  const { docker } = await connect();
  for (const deadline = Date.now() + healthyWithinMs; Date.now() < deadline;) {
    const states = await Promise.all(names.map((name) => docker.getContainer(name).inspect()));
    if (states.every(({ State: { Health: health } }) => health?.Status === 'healthy')) return;
    await sleep(100);
  }
  throw new Error(`${names.join(', ')}: not healthy`);
}
