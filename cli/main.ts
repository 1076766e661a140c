import { leave, outliveTheReader, reportFailure } from './failure';
import { rewindCommand } from './rewind';

async function main(): Promise<void> {
  outliveTheReader();
  try {
    await rewindCommand().parseAsync();
  } catch (error) {
    reportFailure(error);
  }
  // What Pulumi leaves of a program whose engine was killed goes on trying to reach that engine, for ever.
  await leave();
}

void main();
