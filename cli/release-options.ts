import { Option } from 'commander';

import { dataChoices } from '../src/actions/choose-data';
import { releaseParts } from '../src/releases/next-config';

/** `--database`, of commands that bring a release back. */
export function databaseOption(): Option {
  return new Option(
    '--database <what>',
    'the data: keep its schema, downgrade it to that of the release, or restore a snapshot; without it downgrade, if every step has one',
  ).choices(dataChoices);
}

/** `--only`, of those that bring back a part of it. */
export function onlyOption(): Option {
  return new Option('--only <part>', 'only a part of the release').choices(releaseParts);
}
