import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { removeProject } from '../test/support/docker';
import { makeProject, timed } from './project';
import { type Measured } from './rows';

const rounds = 5;
/** Services and the bar for a preview without changes, in seconds. */
const sizes = [
  { services: 8, bar: 1.8 },
  { services: 100, bar: 7 },
  { services: 300, bar: 20 },
];
const image = 'rewind-example/base:bookworm';

/** `pulumi preview` without changes, through the command line, on stacks of several sizes that really run. */
export async function preview(say: (text: string) => void): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const { services, bar } of sizes) {
    const name = `preview-${services}`;
    const project = `rewind-bench-${services}`;
    await removeProject(project);
    const { folder, pulumi } = await makeProject(name);
    await writeFile(join(folder, 'compose.yaml'), composeOf(project, services));
    try {
      say(
        `${services} services: up in ${(await timed(() => pulumi.run(['up', '--yes', '--skip-preview']))).toFixed(1)} s`,
      );
      await pulumi.run(['preview', '--expect-no-changes']);
      const ours: number[] = [];
      for (let round = 0; round < rounds; round++) ours.push(await timed(() => pulumi.run(['preview'])));
      say(`${services} services: previews ${ours.map((s) => s.toFixed(2)).join(', ')} s`);
      measured.push({ name: `preview without changes, ${services} services`, unit: 's', ours, bar });
    } finally {
      await removeProject(project);
    }
  }
  return measured;
}

function composeOf(project: string, services: number): string {
  const definitions = Array.from({ length: services }, (_, index) => {
    const dependency = index % 10 === 0 ? '' : `\n    depends_on: [s${index - 1}]`;
    return `  s${index}:
    image: ${image}
    command: ["sleep", "infinity"]
    init: true
    environment: { LOG_LEVEL: info, INDEX: "${index}", PASSWORD: "pass-${index}-word" }
    labels: { tier: bench }
    restart: unless-stopped
    deploy: { resources: { limits: { memory: 16M } } }${dependency}`;
  });
  return `name: ${project}\nservices:\n${definitions.join('\n')}\n`;
}
