import fs from 'node:fs';
import { expect, test } from 'vitest';
import { resourcePlugins, versions } from '../../toolchain/versions';

test('the plugins have the versions of their npm packages, which ask the engine for exactly them', () => {
  const { dependencies } = JSON.parse(fs.readFileSync('package.json', 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const plugin of resourcePlugins) expect(dependencies[`@pulumi/${plugin}`]).toBe(versions[plugin]);
});

test('the Go modules build the versions that are pinned', () => {
  const require = (dir: string) => fs.readFileSync(`toolchain/${dir}/go.mod`, 'utf8');
  expect(require('engine')).toContain(`github.com/pulumi/pulumi/pkg/v3 v${versions.pulumi}`);
  expect(require('compose')).toContain(`github.com/docker/compose/v5 v${versions.compose}`);
});
