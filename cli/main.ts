#!/usr/bin/env node
import '../components/preload';

import { outliveTheReader, reportFailure } from './failure';
import { rewindCommand } from './rewind';

async function main(): Promise<void> {
  outliveTheReader();
  try {
    await rewindCommand().parseAsync();
  } catch (error) {
    reportFailure(error);
  }
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) =>
      stream.write('', () => {
        resolve();
      }),
    );
  }
  // What Pulumi leaves of a program whose engine was killed goes on trying to reach that engine, for ever.
  process.exit();
}

void main();
