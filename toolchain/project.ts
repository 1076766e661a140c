import fs from 'node:fs';
import path from 'node:path';

/** What Rewind keeps in a project: /.rewind, ignored by git. */
export interface ProjectPlaces {
  readonly folder: string;
  /** The default Pulumi backend. */
  readonly state: string;
  readonly passphrase: string;
}

export function projectPlaces(projectDir: string): ProjectPlaces {
  const folder = path.join(path.resolve(projectDir), '.rewind');
  return { folder, state: path.join(folder, 'state'), passphrase: path.join(folder, 'passphrase') };
}

/** The project file of a folder, by any of the names that pulumi knows. */
export function projectFile(folder: string): string | undefined {
  return ['Pulumi.yaml', 'Pulumi.yml', 'Pulumi.json'].map((name) => path.join(folder, name)).find(fs.existsSync);
}
