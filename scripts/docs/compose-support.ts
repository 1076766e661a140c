import { projectKeys } from '../../src/container/keys';
import { lifecycleKeys } from '../../src/container/keys/lifecycle';
import { mountKeys } from '../../src/container/keys/mounts';
import { networkKeys } from '../../src/container/keys/network';
import { processKeys } from '../../src/container/keys/process';
import { resourceKeys } from '../../src/container/keys/resources';
import { securityKeys } from '../../src/container/keys/security';
import type { KeyMapping } from '../../src/container/mapping';
import { allowedDifferences } from '../../test/support/allowed-differences';
import { notice, type Page, table } from './page';

/** What each degree of support means, in the words of the page. */
const degrees: Readonly<Record<KeyMapping['support'], string>> = {
  carried: 'the container has it as `docker compose up` would give it',
  partly: 'most values are carried; the note says which are refused',
  composed: 'docker compose or Rewind has acted on it before a container is made',
  harmless: 'has no effect on a container; a warning where somebody could expect one',
  refused: 'an error at preview time that names service, key, file and line',
};

const groups: Readonly<Record<string, readonly KeyMapping[]>> = {
  'The service itself': projectKeys,
  'The process': processKeys,
  'Starting, stopping and checking': lifecycleKeys,
  'Networks and names': networkKeys,
  Files: mountKeys,
  'Rights and namespaces': securityKeys,
  'CPU, memory and other limits': resourceKeys,
};

export const composeSupportPage: Page = {
  file: 'docs/compose-support.md',
  render: () =>
    [
      notice('src/container/keys/ and test/support/allowed-differences.ts'),
      '# What of a compose file is supported',
      'The file is read by docker compose itself (`docker compose config`): interpolation, `$$`, `extends`, `include`, anchors, profiles, env files and overrides are its own. What it comes to is carried over to containers, networks and volumes. Nothing is dropped in silence: a key or a value that cannot be carried is an error, and all of them are told at once, before anything has changed.',
      Object.entries(degrees)
        .map(([degree, meaning]) => `- **${degree}**: ${meaning}`)
        .join('\n'),
      ...Object.entries(groups).flatMap(([title, keys]) => [`## ${title}`, tableOf(keys)]),
      '## Networks',
      'Networks that a service uses get the name, driver, options, address pools and labels that docker compose would give them. One that docker compose has left is adopted if it is what the file asks for, and made anew, with the containers in it, if it is not. A network of the same name that is not of the project is an error. `enable_ipv4: false` is refused.',
      '## Volumes',
      'A volume is made with the name, driver, options and labels that docker compose would give it. One that is there already is used as it is, with its data. No update, no rollback and no `pulumi destroy` ever deletes a volume, and none replaces one: a change of `driver` or `driver_opts` is a warning.',
      '## Differences from docker compose up',
      'The tests bring compose files up twice, by `docker compose up` and by `pulumi up`, and compare `docker inspect` of every container field by field, and what programs see inside. These differences, and no others, are there, each for a reason:',
      table(
        ['Field', 'docker compose', 'Rewind', 'Why'],
        allowedDifferences.map(({ field, compose, rewind, why }) => [field, compose, rewind, why]),
      ),
    ].join('\n\n'),
};

function tableOf(keys: readonly KeyMapping[]): string {
  return table(
    ['Key', 'Support', 'Becomes', 'Note'],
    [...keys]
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .map(({ key, support, to, note = '' }) => [`\`${key}\``, support, to, note]),
  );
}
