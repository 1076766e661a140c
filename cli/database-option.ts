import { Option } from 'commander';

import { dataChoices } from '../src/actions/choose-data';

/** `--database`, of commands that bring a release back. */
export function databaseOption(): Option {
  return new Option(
    '--database <what>',
    'the data: keep its schema, downgrade it to that of the release, or restore a snapshot; without it downgrade, if every step has one',
  ).choices(dataChoices);
}
