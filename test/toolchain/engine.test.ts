import { describe, expect, test } from 'vitest';
import { chooseEngine, type FoundPulumi, whyUnsuitable } from '../../toolchain/engine';
import { parseVersion } from '../../toolchain/version';

const found = (version: string | undefined, hasLanguageHost = true): FoundPulumi => ({
  file: '/usr/bin/pulumi',
  version: version === undefined ? undefined : parseVersion(version),
  hasLanguageHost,
});
const release = { url: 'https://mirror.example', checksums: '' };
const offline = 'it cannot be downloaded (github.com: no route)';
const noGo = 'There is no Go on PATH; 1.26.0 or newer is needed to build them here.';

describe('the engine is', () => {
  test.each([
    ['the one on PATH if it suits, whatever else is possible', found('v3.256.0'), release, undefined, 'path'],
    ['the one on PATH if it is newer', found('v3.300.2'), offline, noGo, 'path'],
    ['downloaded if there is none on PATH', undefined, release, undefined, 'download'],
    ['downloaded if the one on PATH is too old', found('v3.255.0'), release, noGo, 'download'],
    ['downloaded if the one on PATH is of another major version', found('v4.0.0'), release, noGo, 'download'],
    ['downloaded if the one on PATH has no language host', found('v3.256.0', false), release, noGo, 'download'],
    ['downloaded if the one on PATH does not start', found(undefined), release, noGo, 'download'],
    ['built where there is no download', undefined, offline, undefined, 'build'],
    ['built where there is no download and the one on PATH is too old', found('v3.1.0'), offline, undefined, 'build'],
  ])('%s', (_, pulumi, download, go, source) => {
    expect(chooseEngine(pulumi, download, go).source).toBe(source);
  });
});

test('where there is no way to get an engine, the error tells why for each and what to do', () => {
  expect(() => chooseEngine(found('v3.1.0'), offline, noGo)).toThrow(
    expect.objectContaining({
      code: 'setup/engine',
      message:
        'There is no Pulumi engine: /usr/bin/pulumi is 3.1.0, not 3.256.0 or a newer 3.x, ' +
        'it cannot be downloaded (github.com: no route). There is no Go on PATH; 1.26.0 or newer is needed to build them here.',
      fix: expect.stringMatching(/install Pulumi.*HTTPS_PROXY.*REWIND_DOWNLOAD_URL.*install Go/) as string,
    }),
  );
});

test('an engine on PATH that is not used is said to be unsuitable, with the reason', () => {
  expect(whyUnsuitable(undefined)).toBe('there is no pulumi on PATH');
  expect(whyUnsuitable(found('3.2.1'))).toContain('3.2.1, not 3.256.0');
  expect(whyUnsuitable(found('3.256.0', false))).toContain('pulumi-language-nodejs');
  expect(whyUnsuitable(found('3.256.0'))).toBeUndefined();
});
