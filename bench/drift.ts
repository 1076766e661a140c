import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { runCompose } from '../src/compose/command';
import { run } from '../src/process';
import { removeProject } from '../test/support/docker';
import { installDir } from '../toolchain/places';
import { must } from './example-stacks';
import { type BenchProject, makeProject, timed } from './project';
import type { Measured } from './rows';

const rounds = 5;

interface Size {
  readonly services: number;
  readonly tables: number;
}

/** How much there is to look at, and the bar for a look, in seconds. */
const sizes = [
  { services: 8, tables: 200, bar: 1 },
  { services: 300, tables: 0, bar: 5 },
  { services: 8, tables: 2000, bar: 3 },
];
const image = 'rewind-example/base:bookworm';

/** `rewind drift` where nothing differs, beside what Pulumi and docker compose have for it, in turns. */
export async function drift(say: (text: string) => void): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const size of sizes) {
    const stack = await DriftStack.create(size);
    try {
      say(`${stack.name}: up in ${(await timed(() => stack.up())).toFixed(1)} s`);
      measured.push(...(await looks(stack, size.bar, say)));
    } finally {
      await stack.remove();
    }
  }
  return measured;
}

async function looks(stack: DriftStack, bar: number, say: (text: string) => void): Promise<Measured[]> {
  const [ours, pulumi, compose]: [number[], number[], number[]] = [[], [], []];
  const ways = [
    async () => ours.push(await timed(() => stack.look())),
    async () => pulumi.push(await timed(() => stack.refresh())),
    async () => compose.push(await timed(() => stack.compare())),
  ];
  // The first look of each is not counted: what it reads is in memory from then on.
  for (let round = 0; round <= rounds; round++)
    for (const way of round % 2 === 0 ? ways : [...ways].reverse()) await way();
  for (const times of [ours, pulumi, compose]) times.shift();
  const told = (times: readonly number[]): string => times.map((seconds) => seconds.toFixed(2)).join(', ');
  say(`${stack.name}: rewind ${told(ours)} s; pulumi ${told(pulumi)} s; docker compose ${told(compose)} s`);
  const name = `rewind drift, ${stack.name}`;
  return [
    { name, unit: 's', ours, bar },
    { name, unit: 's', ours, peer: pulumi, peerName: 'pulumi preview --refresh' },
    { name, unit: 's', ours, peer: compose, peerName: 'docker compose config --hash, ps' },
  ];
}

/** A stack of services that do nothing, one of them a Postgres with so many tables where there are to be some. */
class DriftStack {
  readonly name: string;
  readonly #project: string;
  readonly #at: BenchProject;
  readonly #size: Size;

  private constructor(name: string, project: string, at: BenchProject, size: Size) {
    this.name = name;
    this.#project = project;
    this.#at = at;
    this.#size = size;
  }

  static async create(size: Size): Promise<DriftStack> {
    const { services, tables } = size;
    const project = `rewind-bench-drift-${services}-${tables}`;
    await removeProject(project);
    const name = `${services} services${tables === 0 ? '' : `, ${tables} tables`}`;
    return new DriftStack(name, project, await makeProject(`drift-${services}-${tables}`), size);
  }

  /** Brings it up; the release that is looked at afterwards was made when its tables were there. */
  async up(): Promise<void> {
    const { folder, pulumi } = this.#at;
    const { tables } = this.#size;
    await writeFile(join(folder, 'compose.yaml'), this.#compose('1'));
    if (tables > 0) await pulumi.run(['config', 'set', '--path', 'rewind:database.service', 'db']);
    await pulumi.run(['up', '--yes', '--skip-preview']);
    if (tables === 0) return;
    const psql = ['docker', 'exec', '-i', `${this.#project}-db-1`, 'psql', '-q', '-U', 'shop', '-d', 'shop'] as const;
    const { exitCode, stderr } = await run([...psql, '-v', 'ON_ERROR_STOP=1'], { input: tablesOf(tables) });
    if (exitCode !== 0) throw new Error(`the tables cannot be made: ${stderr}`);
    await writeFile(join(folder, 'compose.yaml'), this.#compose('2'));
    // The state takes the tables for what somebody has done by hand.
    await pulumi.run(['up', '--yes', '--skip-preview', '--refresh']);
  }

  /** `rewind drift`, which has to find nothing. */
  async look(): Promise<void> {
    const { folder, env } = this.#at;
    await must([process.execPath, join(installDir, 'dist', 'cli.js'), 'drift', '--stack', 'bench'], {
      env,
      cwd: folder,
    });
  }

  async refresh(): Promise<void> {
    await this.#at.pulumi.run(['preview', '--refresh', '--expect-no-changes']);
  }

  /** What docker compose has to compare with: hashes of the services, and what runs. */
  async compare(): Promise<void> {
    const { folder, env } = this.#at;
    for (const args of [
      ['config', '--hash', '*'],
      ['ps', '--all', '--format', 'json'],
    ]) {
      const { exitCode, stderr } = await runCompose(['-p', this.#project, ...args], { cwd: folder, env });
      if (exitCode !== 0) throw new Error(`docker compose ${args.join(' ')} failed: ${stderr}`);
    }
  }

  async remove(): Promise<void> {
    await removeProject(this.#project);
  }

  #compose(version: string): string {
    const { services, tables } = this.#size;
    const idle: [string, object][] = Array.from({ length: tables > 0 ? services - 1 : services }, (_, index) => [
      `s${index}`,
      {
        image,
        command: ['sleep', 'infinity'],
        init: true,
        environment: { LOG_LEVEL: 'info', INDEX: String(index), PASSWORD: `pass-${index}-word` },
        labels: { tier: 'bench', version: index === 0 ? version : '1' },
        restart: 'unless-stopped',
        deploy: { resources: { limits: { memory: '16M' } } },
      },
    ]);
    const db = {
      image: 'apex-db:15',
      environment: { POSTGRES_USER: 'shop', POSTGRES_PASSWORD: 'word-of-shop', POSTGRES_DB: 'shop' },
      volumes: ['data:/var/lib/postgresql/data'],
      healthcheck: {
        test: ['CMD', 'pg_isready', '-q', '-h', '127.0.0.1', '-U', 'shop', '-d', 'shop'],
        interval: '10s',
      },
    };
    return JSON.stringify({
      name: this.#project,
      services: Object.fromEntries([...idle, ...(tables > 0 ? [['db', db] as const] : [])]),
      ...(tables > 0 && { volumes: { data: {} } }),
    });
  }
}

/** Tables as applications have them: a dozen columns, a key, two indexes, a check, and every other one refers to another. */
function tablesOf(count: number): string {
  return Array.from({ length: count }, (_, index) => {
    const columns = Array.from({ length: 8 }, (_column, at) => `c${at} text DEFAULT 'x${at}'`).join(', ');
    const refers = index % 2 === 1 ? `, other bigint REFERENCES t${index - 1} (id)` : '';
    return `CREATE TABLE t${index} (id bigserial PRIMARY KEY, name varchar(80) NOT NULL, made timestamptz DEFAULT now(),
      amount numeric(12, 2) CHECK (amount >= 0), ${columns}${refers});
      CREATE INDEX t${index}_name ON t${index} (name); CREATE INDEX t${index}_made ON t${index} (made DESC) WHERE amount > 0;`;
  }).join('\n');
}
