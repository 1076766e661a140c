import { type Command } from 'commander';
import { ensureToolchain } from '../../toolchain/setup';

/** `rewind setup`: makes sure of Docker, the engine, its plugins and docker compose, and does nothing else. */
export function register(program: Command): void {
  program
    .command('setup')
    .description('get whatever is missing of Docker, the Pulumi engine, its plugins and docker compose')
    .option('--images', 'build the images of the example stack too', false)
    .action(async ({ images }: { images: boolean }) => {
      await ensureToolchain({ images, announce: true });
    });
}
