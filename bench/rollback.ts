import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { run } from '../src/process';
import { installDir } from '../toolchain/places';
import { type Outage, startProbe } from './probe';
import { makeProject, removeCompose, timed } from './project';
import { type Measured } from './rows';

const rounds = 5;
const services = { api: 'apex-api', worker: 'apex-worker', signcalc: 'apex-signcalc', frontend: 'apex-frontend' };
const ports = { ours: { api: 18400, web: 18401 }, peer: { api: 18410, web: 18411 } };
const composeFile = join(installDir, 'examples', 'apex', 'compose.yaml');

interface Rollback {
  readonly total: number;
  readonly outage: Outage;
}

/**
 * The example stack, 4 of its 8 services from v0.2.0 back to v0.1.0: `pulumi up` against `docker compose up -d --wait`
 * with the same images, alternating, each stack up all the time.
 */
export async function rollback(say: (text: string) => void): Promise<Measured[]> {
  const ours = await oursUp();
  const peer = await peerUp(ours.env);
  const results: { ours: Rollback[]; peer: Rollback[] } = { ours: [], peer: [] };
  try {
    for (let round = 1; round <= rounds; round++) {
      for (const side of round % 2 === 1 ? (['ours', 'peer'] as const) : (['peer', 'ours'] as const)) {
        const stack = side === 'ours' ? ours : peer;
        await stack.deploy('v0.2.0');
        const probe = startProbe(`http://127.0.0.1:${ports[side].api}/version`);
        const total = await timed(() => stack.deploy('v0.1.0'));
        const outage = await probe.stop();
        results[side].push({ total, outage });
        say(
          `round ${round}, ${side}: ${total.toFixed(2)} s in all, API away ${outage.seconds.toFixed(2)} s (${outage.failed} of ${outage.asked} requests failed)`,
        );
      }
    }
  } finally {
    await Promise.all([ours.remove(), peer.remove()]);
  }
  const peerName = 'docker compose up -d --wait';
  const series = (pick: (result: Rollback) => number): { ours: number[]; peer: number[]; peerName: string } => ({
    ours: results.ours.map(pick),
    peer: results.peer.map(pick),
    peerName,
  });
  return [
    {
      name: 'rollback of 4 of 8 services: until every service is ready',
      unit: 's',
      bar: 0.3,
      ...series((r) => r.total),
    },
    { name: 'rollback of 4 of 8 services: API away', unit: 's', bar: 0.75, ...series((r) => r.outage.seconds) },
    { name: 'rollback of 4 of 8 services: failed API requests', unit: 'requests', ...series((r) => r.outage.failed) },
  ];
}

interface Stack {
  readonly deploy: (tag: string) => Promise<void>;
  readonly remove: () => Promise<void>;
  readonly env: Readonly<Record<string, string>>;
}

function portVariables(side: 'ours' | 'peer'): Record<string, string> {
  return { APEX_API_PORT: String(ports[side].api), APEX_WEB_PORT: String(ports[side].web) };
}

async function oursUp(): Promise<Stack> {
  const project = 'rewind-bench';
  await removeCompose(project);
  const { pulumi, env } = await makeProject('rollback', portVariables('ours'));
  await pulumi.run([
    ...['config', 'set-all', '--plaintext', `rewind:compose=${composeFile}`],
    ...['--plaintext', `rewind:project=${project}`],
  ]);
  const deploy = async (tag: string): Promise<void> => {
    const tags = Object.keys(services).flatMap((service) => ['--plaintext', `rewind:tags.${service}=${tag}`]);
    await pulumi.run(['config', 'set-all', '--path', ...tags]);
    await pulumi.run(['up', '--yes', '--skip-preview']);
  };
  await deploy('v0.1.0');
  return {
    env,
    deploy,
    remove: async () => {
      await pulumi.run(['destroy', '--yes', '--skip-preview']);
      await removeCompose(project);
    },
  };
}

async function peerUp(env: Readonly<Record<string, string>>): Promise<Stack> {
  const project = 'rewind-bench-peer';
  await removeCompose(project);
  const folder = join(installDir, '.rewind', 'bench', 'rollback');
  const compose = env['REWIND_COMPOSE'] ? [env['REWIND_COMPOSE']] : ['docker', 'compose'];
  const deploy = async (tag: string): Promise<void> => {
    const override = join(folder, `${tag}.yaml`);
    const images = Object.entries(services).map(([service, image]) => `  ${service}: { image: "${image}:${tag}" }`);
    await writeFile(override, `services:\n${images.join('\n')}\n`);
    const files = ['--file', composeFile, '--file', override];
    const argv = [...compose, '--project-name', project, ...files, 'up', '--detach', '--wait'];
    const result = await run(argv as [string, ...string[]], { env: portVariables('peer') });
    if (result.exitCode !== 0) throw new Error(`docker compose up failed: ${result.stderr}`);
  };
  await deploy('v0.1.0');
  return { env, deploy, remove: () => removeCompose(project) };
}
