import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { type Build, buildKey, goBuild, goBuildArgv, readBuilds, whyNoGo } from '../../toolchain/go-build';
import { cachePlaces } from '../../toolchain/places';
import { tempFolder, writeProgram } from './temp-folder';

const build: Build = { name: 'tool', dir: 'mod', package: '.', output: 'tool', links: ['tool-alias'] };
const never = new AbortController().signal;
let sources: string;

beforeEach(() => {
  sources = tempFolder();
  write('mod/go.mod', 'module m\n');
  write('mod/main.go', 'package main\n');
  write('mod/sub/data.json', '{}');
});

function write(file: string, text: string): void {
  fs.mkdirSync(path.dirname(path.join(sources, file)), { recursive: true });
  fs.writeFileSync(path.join(sources, file), text);
}

describe('the key of a build', () => {
  test.each([
    [
      'go.sum appears',
      () => {
        write('mod/go.sum', 'x');
      },
    ],
    [
      'a source changes',
      () => {
        write('mod/main.go', 'package main // changed\n');
      },
    ],
    [
      'an embedded file changes',
      () => {
        write('mod/sub/data.json', '{"a":1}');
      },
    ],
    [
      'a file is renamed',
      () => {
        fs.renameSync(path.join(sources, 'mod/main.go'), path.join(sources, 'mod/cmd.go'));
      },
    ],
  ])('changes when %s', (_, change) => {
    const before = buildKey(build, sources);
    change();
    expect(buildKey(build, sources)).not.toBe(before);
  });

  test.each(['mod/main_test.go', 'mod/README.md', 'mod/testdata/x', 'other/main.go'])(
    'does not depend on %s',
    (file) => {
      const before = buildKey(build, sources);
      write(file, 'anything');
      expect(buildKey(build, sources)).toBe(before);
    },
  );

  test('depends on how it is built', () => {
    expect(buildKey({ ...build, ldflags: '-s' }, sources)).not.toBe(buildKey(build, sources));
  });
});

test('the command line builds one package, reproducibly and stripped', () => {
  expect(goBuildArgv('/go/bin/go', { ...build, tags: 'a,b' }, '/out/tool')).toEqual([
    '/go/bin/go',
    'build',
    '-trimpath',
    '-tags=a,b',
    '-ldflags=-s -w',
    '-o',
    '/out/tool',
    '.',
  ]);
});

test('toolchain/builds.json names modules that are there, and every program once', () => {
  const builds = readBuilds('toolchain');
  for (const { dir } of builds) expect(fs.existsSync(`toolchain/${dir}/go.sum`)).toBe(true);
  const outputs = builds.flatMap(({ output, links = [] }) => [output, ...links]);
  expect(new Set(outputs).size).toBe(outputs.length);
  expect(builds.map(({ name }) => name)).toEqual(['pulumi', 'docker-compose', 'plugins']);
});

describe('a build', () => {
  const cache = () => cachePlaces({ REWIND_CACHE: path.join(sources, 'cache') });
  const fakeGo = (script: string) => {
    const bin = tempFolder();
    writeProgram(path.join(bin, 'go'), script);
    vi.stubEnv('PATH', `${bin}:/usr/bin:/bin`);
    return bin;
  };
  const writesOutput = 'while [ "$1" != -o ]; do shift; done; echo "$GOFLAGS $CGO_ENABLED" > "$2"; chmod +x "$2"';

  test('is done once: the second time it is there, under all its names', async () => {
    const bin = fakeGo(`echo run >> "$0.log"; ${writesOutput}`);
    const folder = await goBuild(cache(), build, sources, never);
    await goBuild(cache(), build, sources, never);
    expect(fs.readdirSync(folder).sort()).toEqual(['tool', 'tool-alias']);
    expect(fs.readFileSync(path.join(folder, 'tool-alias'), 'utf8')).toBe('-mod=readonly -buildvcs=false 0\n');
    expect(fs.readFileSync(path.join(bin, 'go.log'), 'utf8')).toBe('run\n');
  });

  describe('with patches', () => {
    const patched = (from: string): void => {
      write('mod/patches.json', JSON.stringify([{ modules: ['m/a'], changes: [{ file: 'a.go', from, to: 'new' }] }]));
      write('a/a.go', 'package a // old\n');
      write('mod/go.sum', 'sums\n');
      fs.chmodSync(path.join(sources, 'a/a.go'), 0o444);
      fakeGo(`
        case "$1" in
          list) echo "m/a=${path.join(sources, 'a')}" ;;
          build)
            for it; do case "$it" in -modfile=*) file="\${it#*=}" ;; esac; done
            copy=$(sed -n 's/^replace .* => //p' "$file")
            while [ "$1" != -o ]; do shift; done
            cat "$file" "$copy/go.mod" "$copy/a.go" "\${file%.mod}.sum" > "$2" ;;
        esac`);
    };

    test('is made from copies of the modules with the changes in them', async () => {
      patched('old');
      const folder = await goBuild(cache(), build, sources, never);
      expect(fs.readFileSync(path.join(folder, 'tool'), 'utf8')).toMatch(
        /^module m\n\nreplace m\/a => .*m_a\nmodule m\/a\npackage a \/\/ new\nsums\n$/,
      );
      expect(fs.readdirSync(folder).sort()).toEqual(['tool', 'tool-alias']);
      expect(fs.readFileSync(path.join(sources, 'a/a.go'), 'utf8')).toContain('old');
    });

    test('that fit a module no more is refused', async () => {
      patched('older');
      await expect(goBuild(cache(), build, sources, never)).rejects.toThrow(
        'm/a has 0 times, not once, in a.go:\nolder',
      );
      expect(fs.readdirSync(cache().artifacts)).toEqual([]);
    });
  });

  test('that fails leaves nothing behind but its log, and the next one goes on', async () => {
    fakeGo('echo "go: dial tcp: lookup proxy: no such host" >&2; exit 1');
    await expect(goBuild(cache(), build, sources, never)).rejects.toMatchObject({
      code: 'setup/engine',
      message: expect.stringContaining('no such host') as string,
      fix: expect.stringMatching(/GOPROXY.*build-tool\.log/) as string,
    });
    expect(fs.readdirSync(cache().artifacts)).toEqual([]);
    fakeGo(writesOutput);
    await expect(goBuild(cache(), build, sources, never)).resolves.toContain('tool-');
  });

  test.each([
    ['no space left on device', /Free some disk space/],
    ['verifying module: checksum mismatch', /go\.sum/],
  ])('that fails with "%s" says how to mend it', async (said, fix) => {
    fakeGo(`echo "${said}"; exit 1`);
    await expect(goBuild(cache(), build, sources, never)).rejects.toMatchObject({
      fix: expect.stringMatching(fix) as string,
    });
  });

  test.each([
    ['go1.26.8', undefined],
    ['go1.30.0', undefined],
    ['go1.25.3', /is 1\.25\.3; 1\.26\.0 or newer is needed/],
    ['nonsense', /does not tell its version/],
  ])('with %s is possible or not', async (version, why) => {
    fakeGo(`echo ${version}`);
    if (why) await expect(whyNoGo()).resolves.toMatch(why);
    else await expect(whyNoGo()).resolves.toBeUndefined();
  });

  test('without Go is not possible', async () => {
    vi.stubEnv('PATH', tempFolder());
    await expect(whyNoGo()).resolves.toMatch(/There is no Go on PATH/);
  });
});
