import { readFileSync } from 'node:fs';

import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const minute = 60_000;

/** Programs for elsewhere are carried as text, as build.mjs does it. */
const programsAsText = {
  name: 'programs-as-text',
  enforce: 'pre' as const,
  load: (id: string): string | undefined =>
    id.endsWith('.py') ? `export default ${JSON.stringify(readFileSync(id, 'utf8'))};` : undefined,
};

/** Files that take minutes, which would be waited for if they came last. */
const longest =
  /(migrations|migrations-faults|snapshots-killed|snapshots-faults|releases-killed|package|killed-engine)\.test\.ts$/;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const [first, others] = [true, false].map((isLong) => sorted.filter((it) => longest.test(it.moduleId) === isLong));
    return [...first!, ...others!];
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    // Whatever so many have failed for, as an engine that hangs, the others would wait for as well, each for minutes.
    bail: 10,
    projects: [
      {
        plugins: [programsAsText],
        test: {
          name: 'unit',
          unstubEnvs: true,
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**'],
        },
      },
      {
        plugins: [programsAsText],
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/support/toolchain.ts'],
          testTimeout: 5 * minute,
          hookTimeout: 10 * minute,
          // They share one Docker engine and often wait for it: other files at work fill the gaps.
          maxWorkers: 4,
        },
      },
    ],
  },
});
