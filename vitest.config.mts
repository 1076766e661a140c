import { defineConfig } from 'vitest/config';

const minute = 60_000;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          unstubEnvs: true,
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**'],
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/support/toolchain.ts'],
          testTimeout: 5 * minute,
          hookTimeout: 10 * minute,
          // One file at a time: they share one Docker engine, and two cores.
          fileParallelism: false,
        },
      },
    ],
  },
});
