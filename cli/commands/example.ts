import { type Command } from 'commander';

import { down, start } from '../../examples/apex/walkthrough/run';

/** `rewind example start|down`: what `npm start` and `npm run down` do in a clone. */
export function register(program: Command): void {
  const tell = (line = ''): void => void process.stdout.write(`${line}\n`);
  const example = program.command('example', { hidden: true }).description('the bundled example stack');
  example.command('start').action(() => start(tell));
  example
    .command('down')
    .option('--volumes', 'drop its data too', false)
    .action(({ volumes }: { volumes: boolean }) => down(tell, volumes));
}
