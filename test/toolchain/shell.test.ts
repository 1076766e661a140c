import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quotePosix } from '../../src/shell-word';
import { quoteFish, quotePowerShell, renderEnvironment } from '../../toolchain/shell';

// No shell and no environment can hold a NUL; a lone surrogate is no text.
const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'));

test('whatever the values are, sh reads back exactly them', () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 20 }), (values) => {
      const set = Object.fromEntries(values.map((value, i) => [`V${i}`, value]));
      const script = `${renderEnvironment({ set, unset: [] }, 'bash')}printf '%s\\0' ${values.map((_, i) => `"$V${i}"`).join(' ')}`;
      const read = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
      expect(read).toEqual(values);
    }),
    { numRuns: 30 },
  );
});

test.each([
  ['sh', quotePosix, "it's $HOME `x` \\", `'it'\\''s $HOME \`x\` \\'`],
  ['fish', quoteFish, "it's $HOME \\", "'it\\'s $HOME \\\\'"],
  ['PowerShell', quotePowerShell, "it's ‘quoted’ $env:X `", "'it''s ‘‘quoted’’ $env:X `'"],
])('a word for %s is taken literally', (_, quote, word, quoted) => {
  expect(quote(word)).toBe(quoted);
});

describe('rewind env prints', () => {
  const change = { set: { PATH: '/a b:/c', PULUMI_HOME: '/home' }, unset: ['PULUMI_BACKEND_URL'] };

  test('exports for bash, and nothing else', () => {
    expect(renderEnvironment(change, 'bash')).toBe(
      "unset PULUMI_BACKEND_URL\nexport PATH='/a b:/c'\nexport PULUMI_HOME='/home'\n",
    );
  });

  test('exports for fish, whose PATH is a list', () => {
    expect(renderEnvironment(change, 'fish')).toBe(
      "set -e PULUMI_BACKEND_URL\nset -gx PATH '/a b' '/c'\nset -gx PULUMI_HOME '/home'\n",
    );
  });

  test('assignments for PowerShell', () => {
    expect(renderEnvironment(change, 'powershell')).toBe(
      "Remove-Item -ErrorAction Ignore Env:PULUMI_BACKEND_URL\n$env:PATH = '/a b:/c'\n$env:PULUMI_HOME = '/home'\n",
    );
  });

  test('JSON, in which null means to unset', () => {
    expect(JSON.parse(renderEnvironment(change, 'json'))).toEqual({
      PULUMI_BACKEND_URL: null,
      PATH: '/a b:/c',
      PULUMI_HOME: '/home',
    });
  });
});
