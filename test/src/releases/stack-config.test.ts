import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { type ConfigSection, securePaths, StackConfig } from '../../../src/releases/stack-config';
import { problemsOf } from '../../support/problems';
import { tempFolder } from '../../support/temp-folder';

const file = `# The shop, for customers.
encryptionsalt: v1:salt # do not lose
config:
  # the files
  rewind:compose: compose.yaml
  rewind:tags: {api: v1} # as of today
  other:setting: 5

  rewind:secrets:
    api:
      TOKEN:
        secure: v1:abc
`;

describe('a stack configuration with another config section', () => {
  test('differs in that alone: comments, order and other keys stay', () => {
    const { config } = StackConfig.parse(file);
    const changed = StackConfig.parse(file).withConfig({ ...config, 'rewind:retain': 5 });
    expect(changed.toString()).toBe(`${file}  rewind:retain: 5\n`);
  });

  test('has not a letter changed where nothing differs', () => {
    const config = StackConfig.parse(file);
    expect(config.withConfig(config.config).toString()).toBe(file);
  });

  test('loses the keys that the section does not have', () => {
    const text = StackConfig.parse(file).withConfig({ 'other:setting': 5 }).toString();
    expect(parse(text)).toEqual({ encryptionsalt: 'v1:salt', config: { 'other:setting': 5 } });
    expect(text).toContain('# The shop, for customers.');
    expect(text).toContain('# do not lose');
  });

  test('says what the section says, whatever both are', () => {
    const key = fc.stringMatching(/^(rewind|other):[a-z][a-zA-Z.-]*$/);
    const section = fc
      .dictionary(key, fc.jsonValue({ maxDepth: 3 }))
      .map((it) => JSON.parse(JSON.stringify(it)) as ConfigSection);
    fc.assert(
      fc.property(section, section, (before, after) => {
        const changed = StackConfig.parse('').withConfig(before).withConfig(after);
        expect(StackConfig.parse(changed.toString()).config).toEqual(after);
      }),
    );
  });

  test('leaves the one that it was made of as it was', () => {
    const config = StackConfig.parse(file);
    config.withConfig({});
    expect(config.toString()).toBe(file);
  });

  test.each(['', '# only a comment\n', 'config:\n', 'encryptionsalt: v1:salt\n'])(
    'can begin with nothing: %j',
    (text) => {
      expect(StackConfig.parse(text).config).toEqual({});
      expect(StackConfig.parse(text).withConfig({ 'rewind:retain': 3 }).config).toEqual({ 'rewind:retain': 3 });
    },
  );
});

describe('reading a stack configuration', () => {
  test('gives an empty one where there is no file', async () => {
    expect((await StackConfig.read(join(tempFolder(), 'Pulumi.dev.yaml'))).config).toEqual({});
  });

  test.each([
    ['no mapping', '- a\n- b\n'],
    ['no YAML', 'config: [1\n'],
  ])('refuses a file that is %s, by its path', async (_what, text) => {
    const path = join(tempFolder({ 'Pulumi.dev.yaml': text }), 'Pulumi.dev.yaml');
    expect((await problemsOf(() => StackConfig.read(path)))[0]).toMatchObject({
      code: 'config/invalid',
      message: expect.stringContaining(`The stack configuration ${path} cannot be read: `) as string,
    });
  });

  test('tells what the secrets are encrypted with', () => {
    expect(StackConfig.parse(`secretsprovider: awskms://k\nencryptedkey: abc\n${file}`).provider).toEqual({
      secretsprovider: 'awskms://k',
      encryptedkey: 'abc',
      encryptionsalt: 'v1:salt',
    });
  });
});

test('secrets are found wherever they are in a value', () => {
  const secret = { secure: 'v1:abc' };
  expect(securePaths(secret)).toEqual([[]]);
  expect(securePaths({ api: { TOKEN: secret, LEVEL: 'info' }, list: ['a', secret] })).toEqual([
    ['api', 'TOKEN'],
    ['list', '1'],
  ]);
  expect(securePaths({ secure: 'a', other: 'b' })).toEqual([]);
  expect(securePaths('text')).toEqual([]);
});
