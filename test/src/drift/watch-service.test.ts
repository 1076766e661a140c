import { expect, test } from 'vitest';
import { parse } from 'yaml';

import { watchServices, watchServiceText } from '../../../src/drift/watch-service';

const options = {
  directory: '/srv/my "shop" 100%',
  stack: 'dev',
  intervalMs: 90_000,
  more: ['--fix', 'container/api-*'],
};

test.each(watchServices)('a watch is written for %s, with the folder as it is called', (kind) => {
  expect(watchServiceText(kind, options)).toMatchSnapshot();
});

test('a service for a compose file is one, on the host’s loopback', () => {
  const { services } = parse(watchServiceText('compose', options)) as { services: Record<string, object> };
  expect(services['watch']).toMatchObject({
    working_dir: options.directory,
    command: ['npx', 'rewind', 'watch', '--stack', 'dev', '--interval', '90s', '--fix', 'container/api-*'],
    network_mode: 'host',
  });
});
