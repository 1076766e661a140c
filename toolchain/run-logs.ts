import fs from 'node:fs';
import path from 'node:path';

const why = `Pulumi writes a debug log of each run below a folder of this name, 500 MB of them, and looks through them at each start. That
takes a quarter of its processor time, so Rewind has put this file in the place of the folder. Remove it to have the logs.
`;

/**
 * Keeps Pulumi from writing a debug log of each run, for which it has no setting: what lies in the place of
 * their folder makes it go on without. Where there is such a folder, it is left alone.
 */
export function withoutRunLogs(pulumiHome: string): void {
  fs.mkdirSync(pulumiHome, { recursive: true });
  try {
    fs.writeFileSync(path.join(pulumiHome, 'logs'), why, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
