import { PassThrough } from 'node:stream';

import type Docker from 'dockerode';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { checkCommand, runInContainer, withoutFrames } from '../../../src/probe/check';

/** A piece of output as the engine frames it: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach */
function frame(stream: number, content: Buffer): Buffer {
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(content.length, 4);
  return Buffer.concat([header, content]);
}

describe('the output of a container', () => {
  test('is what was printed, however the engine cut it into frames', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 200 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(200)), fc.array(fc.constantFrom(1, 2)), (printed, cuts, streams) => {
        const bytes = Buffer.from(printed);
        const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
        const frames = at.slice(1).map((end, index) => frame(streams[index] ?? 1, bytes.subarray(at[index], end)));
        expect(withoutFrames(Buffer.concat(frames))).toBe(printed);
      }),
    );
  });

  test('on a terminal has no frames, and is taken as it is, however short', () => {
    const visible = fc.string({ unit: 'grapheme-ascii' }).filter((text) => !/^[\0-\x02]/.test(text));
    fc.assert(
      fc.property(visible, (text) => {
        expect(withoutFrames(Buffer.from(text))).toBe(text);
      }),
    );
  });

  test('that is cut off within a frame is what came of it', () => {
    expect(withoutFrames(frame(1, Buffer.from('hello')).subarray(0, 11))).toBe('hel');
  });
});

test.each([
  [undefined, undefined],
  [[], undefined],
  [['NONE'], undefined],
  [
    ['CMD', 'curl', '-f', 'http://localhost'],
    ['curl', '-f', 'http://localhost'],
  ],
  [
    ['CMD-SHELL', 'a && b'],
    ['/bin/sh', '-c', 'a && b'],
  ],
])('the health check %j runs the command %j', (words, expected) => {
  expect(checkCommand(words)).toEqual(expected);
});

describe('a command run in a container', () => {
  /** A container whose commands print this and end with this code; without a code they never end. */
  function container(printed: string, exitCode?: number): { container: Docker.Container; commands: unknown[] } {
    const commands: unknown[] = [];
    const exec = {
      start: () => {
        const stream = new PassThrough();
        stream.write(frame(1, Buffer.from(printed)));
        if (exitCode !== undefined) stream.end();
        return Promise.resolve(stream);
      },
      inspect: () => Promise.resolve({ ExitCode: exitCode }),
    };
    const create = (options: { Cmd: string[] }): Promise<typeof exec> => {
      commands.push(options.Cmd);
      return Promise.resolve(exec);
    };
    return { container: { exec: create } as unknown as Docker.Container, commands };
  }

  test('is fine if it ends with 0', async () => {
    const { container: one, commands } = container('ok\n', 0);
    expect(await runInContainer(one, ['check', '--now'], 1000)).toEqual({ ok: true, exitCode: 0, output: 'ok' });
    expect(commands).toEqual([['check', '--now']]);
  });

  test('fails if it ends with anything else, and what it printed is told', async () => {
    expect(await runInContainer(container('refused\n', 7).container, ['check'], 1000)).toEqual({
      ok: false,
      exitCode: 7,
      output: 'refused',
    });
  });

  test('fails if it does not end in time', async () => {
    expect(await runInContainer(container('waiting…').container, ['check'], 20)).toEqual({
      ok: false,
      exitCode: undefined,
      output: 'waiting…\n(no result within 20 ms)',
    });
  });

  test('has the last 2,000 characters of its output told', async () => {
    const { output } = await runInContainer(container(`${'a'.repeat(5000)}end`, 1).container, ['check'], 1000);
    expect(output).toHaveLength(2000);
    expect(output.endsWith('aend')).toBe(true);
  });
});
