import { type Command } from 'commander';
import { ensureToolchain } from '../../toolchain/setup';
import { withExamples } from '../examples';

/** `rewind setup`: makes sure of Docker, the engine, its plugins and docker compose, and does nothing else. */
export function register(program: Command): void {
  const command = program
    .command('setup')
    .description('get whatever is missing of Docker, the Pulumi engine, its plugins and docker compose')
    .option('--images', 'build the images of the example stack too')
    .action(async ({ images = false }: { images?: boolean }) => {
      await ensureToolchain({ images, announce: true });
    });
  withExamples(command, [
    'npx rewind setup',
    'npx rewind setup --images     # in a clone of Rewind, for the example stack',
  ]);
}
