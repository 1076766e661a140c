import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { runCompose } from '../../src/compose/command';
import { run } from '../../src/process';
import { removeProject } from '../../test/support/docker';
import { must, portVariables } from '../example-stacks';
import { type BenchProject, makeProject } from '../project';
import { copyExample, editFile, seed } from './rewind-stack';

const project = 'rewind-bench-runbook';
const apiPort = 18_462;
/** The images that the runbook retags, under a tag of this stack's own. */
const images = ['apex-api', 'apex-worker', 'apex-signcalc', 'apex-frontend'];
const tag = 'bench-runbook';

/** `docker compose` as the set-up found it, which is no plugin of the docker command everywhere. */
const dockerCommand = `docker() {
  if [ "$1" = compose ] && [ -n "$REWIND_COMPOSE" ]; then shift; "$REWIND_COMPOSE" "$@"; else command docker "$@"; fi
}`;

/**
 * The example in the hands of somebody who follows the runbook: docker compose, tags that move, and a dump. Each command
 * is the runbook's own; where that sleeps, it waits until the services are healthy.
 */
export class RunbookStack {
  readonly url = `http://127.0.0.1:${apiPort}/api/v1/jobs/00000001-5eed-4000-8000-000000000000`;
  /** What its containers are labelled with. */
  readonly label = `com.docker.compose.project=${project}`;
  readonly #made: BenchProject;

  private constructor(made: BenchProject) {
    this.#made = made;
  }

  /** Brings it up at v0.1.0, uses it and removes it, with whatever is in it. */
  static async use<T>(work: (stack: RunbookStack) => Promise<T>): Promise<T> {
    await removeProject(project);
    const made = await makeProject('runbook');
    const stack = new RunbookStack(made);
    try {
      await copyExample(made.folder);
      const overrides = ['api', 'worker', 'signcalc', 'frontend'].map(
        (it) => `  ${it}: { image: "apex-${it}:${tag}" }`,
      );
      const migrate = `  migrate: { image: "apex-api:${tag}" }`;
      await writeFile(join(made.folder, 'override.yaml'), `services:\n${[...overrides, migrate].join('\n')}\n`);
      await stack.#retag('v0.1.0');
      await stack.#compose('up', '--detach', '--wait');
      return await work(stack);
    } finally {
      await removeProject(project);
      await run(['docker', 'rmi', ...images.map((image) => `${image}:${tag}`)]);
      await rm(made.folder, { recursive: true, force: true });
    }
  }

  seed(size: string): Promise<string> {
    return seed(project, size);
  }

  /** What the runbook wants to be there before a deployment: a dump, and a copy of the configuration. */
  async backUp(): Promise<void> {
    await this.#sh('docker exec "$DB" pg_dump -U apex apex > backup_PREDEPLOYMENT.sql');
    await this.#sh('rm -rf config.backup && cp -r config config.backup && cp compose.yaml compose.yaml.backup');
  }

  /** A release that brings other images, migrations and a change of configuration. */
  async deploy(to: string, change?: (text: string) => string): Promise<void> {
    if (change) await editFile(this.#made.folder, 'config/signcalc/factors.json', change);
    await this.#retag(to);
    // docker compose does not see that a mounted file has changed.
    await this.#compose(
      'up',
      '--detach',
      '--wait',
      '--force-recreate',
      'api',
      'worker',
      'signcalc',
      'frontend',
      'migrate',
    );
  }

  /** "Full Rollback Procedure", its eight phases. */
  async fullRollback(): Promise<void> {
    await this.#sh('docker compose ps > rollback_state.txt; docker compose logs --tail=100 > rollback_logs.txt');
    await this.#sh('docker compose exec -T db pg_dump -U apex apex > backup_before_rollback.sql');
    await this.#sh(
      'docker compose config > compose_before_rollback.yaml; docker compose exec -T api env > env_backup.txt',
    );
    await this.#compose('down');
    await this.#compose('up', '--detach', '--wait', 'db');
    // Not in the runbook: without it psql meets the tables that are there, and ends well with a mixture.
    await this.#sql('DROP DATABASE apex');
    await this.#sql('CREATE DATABASE apex');
    await this.#sh('docker compose exec -T db psql -q -U apex apex < backup_PREDEPLOYMENT.sql > psql.log');
    await this.#sh(String.raw`docker compose exec -T db psql -U apex -d apex -c "\dt" > tables.txt`);
    await this.#retag('v0.1.0');
    await this.#sh('cp -r config.backup/. config/ && cp compose.yaml.backup compose.yaml');
    await this.#compose('up', '--detach', '--wait');
    await this.#sh('docker compose exec -T api alembic current');
    await this.#verify();
  }

  /** "Quick Rollback (< 5 minutes)". */
  async quickRollback(): Promise<void> {
    await this.#compose('down');
    await this.#retag('v0.1.0');
    await this.#compose('up', '--detach', '--wait');
    await this.#sh(`curl -fsS http://127.0.0.1:${apiPort}/health`);
  }

  async #verify(): Promise<void> {
    const ask = ['health', 'ready', 'api/v1/projects'].map(
      (path) => `curl -fsS -o answer http://127.0.0.1:${apiPort}/${path}`,
    );
    await this.#sh(['docker compose ps', ...ask].join(' && '));
    await this.#sh('docker compose exec -T db psql -U apex -d apex -c "SELECT COUNT(*) FROM projects;"');
  }

  async #retag(from: string): Promise<void> {
    for (const image of images) await must(['docker', 'tag', `${image}:${from}`, `${image}:${tag}`]);
  }

  #sql(sql: string): Promise<string> {
    return this.#sh(`docker compose exec -T db psql -q -U apex -d postgres -c '${sql}'`);
  }

  async #compose(...args: string[]): Promise<void> {
    const { exitCode, stderr } = await runCompose(args, { cwd: this.#made.folder, env: this.#env() });
    if (exitCode !== 0) throw new Error(`docker compose ${args.join(' ')} failed: ${stderr}`);
  }

  #env(): Record<string, string> {
    return {
      ...portVariables(apiPort),
      COMPOSE_PROJECT_NAME: project,
      COMPOSE_FILE: 'compose.yaml:override.yaml',
      DB: `${project}-db-1`,
    };
  }

  #sh(script: string): Promise<string> {
    return must(['sh', '-ec', `${dockerCommand}\n${script}`], { cwd: this.#made.folder, env: this.#env() });
  }
}
