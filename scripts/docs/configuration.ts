import { settingKeys } from '../../src/settings';
import { notice, type Page } from './page';

export const configurationPage: Page = {
  file: 'docs/configuration.md',
  render: () =>
    [
      notice('src/settings.ts'),
      '# Configuration',
      'A stack is configured like any Pulumi stack, under `rewind:`. Everything has a default; a stack with a `compose.yaml` beside its Pulumi.yaml needs no setting at all.',
      ['```sh', 'pulumi config set --path rewind:tags.api v0.2.0', 'pulumi preview', 'pulumi up', '```'].join('\n'),
      'Paths count from the folder of Pulumi.yaml. An unknown setting, one of the wrong shape, or the name of a service that the compose file does not have is an error, and all of them are told at once.',
      ...Object.entries(settingKeys).flatMap(([key, { about, example, default: fallback }]) => [
        `## rewind:${key}`,
        about,
        `Default: ${fallback}.`,
        ['```yaml', `rewind:${key}: ${example}`, '```'].join('\n'),
      ]),
    ].join('\n\n'),
};
