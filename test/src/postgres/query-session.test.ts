import type { PassThrough } from 'node:stream';

import { describe, expect, test } from 'vitest';

import { PsqlEnded, PsqlSession, type RunPsql } from '../../../src/postgres/psql-session';
import { QuerySession } from '../../../src/postgres/query-session';

/** Answers each line but `\echo …` by itself in brackets; `fail` ends it as an error does, `lose` as a lost connection. */
class FakePsql {
  started = 0;

  readonly run: RunPsql = ({ input, output }) => {
    this.started++;
    return new Promise((resolve) => {
      const end = (exitCode: number): void => {
        input.destroy();
        resolve({ exitCode, stdout: '', stderr: `ended with ${exitCode}` });
      };
      input.on('data', (chunk: Buffer) => {
        for (const line of String(chunk).split('\n')) {
          if (line === 'fail') {
            end(3);
            return;
          }
          if (line === 'lose') {
            end(2);
            return;
          }
          if (line.startsWith('\\echo ')) output.write(`${line.slice('\\echo '.length)}\n`);
          else if (line !== '') answer(output, line);
        }
      });
      input.on('end', () => {
        end(0);
      });
    });
  };
}

/** In pieces, as a stream may have it. */
function answer(output: PassThrough, line: string): void {
  for (const byte of Buffer.from(`[${line}]\n`)) output.write(Buffer.from([byte]));
}

describe('a session of psql', () => {
  test('gives each answer to whoever asked', async () => {
    const psql = new PsqlSession(new FakePsql().run);
    expect(await Promise.all([psql.say('one\ntwo'), psql.say('three')])).toEqual(['[one]\n[two]', '[three]']);
  });

  test('ends a line at a line feed alone', async () => {
    const psql = new PsqlSession(new FakePsql().run);
    expect(await psql.say('Größe \u2028 \r 𝄞')).toBe('[Größe \u2028 \r 𝄞]');
  });

  test('tells everybody who waits that it has ended, and whoever comes later', async () => {
    const psql = new PsqlSession(new FakePsql().run);
    const first = psql.say('fail');
    const second = psql.say('two');
    await expect(first).rejects.toThrow('ended with 3');
    await expect(second).rejects.toBeInstanceOf(PsqlEnded);
    await expect(psql.say('three')).rejects.toBeInstanceOf(PsqlEnded);
  });
});

describe('queries', () => {
  test('that come one soon after another are asked in one psql', async () => {
    const psql = new FakePsql();
    const session = new QuerySession(psql.run);
    expect(await Promise.all(['a', 'b', 'c'].map((it) => session.ask(it)))).toEqual(['[a]', '[b]', '[c]']);
    expect(psql.started).toBe(1);
  });

  test('that come later are asked in another one: none stays open', async () => {
    const psql = new FakePsql();
    const session = new QuerySession(psql.run);
    await session.ask('a');
    await new Promise((resolve) => setTimeout(resolve, 200));
    await session.ask('b');
    expect(psql.started).toBe(2);
  });

  test('do not suffer from one that fails', async () => {
    const session = new QuerySession(new FakePsql().run);
    const [bad, good] = await Promise.allSettled([session.ask('fail'), session.ask('b')]);
    expect(bad.status).toBe('rejected');
    expect(good).toEqual({ status: 'fulfilled', value: '[b]' });
  });

  test('are asked once more where a session that has answered is lost; a new one that is lost is an error', async () => {
    const psql = new FakePsql();
    const session = new QuerySession(psql.run);
    await session.ask('a');
    await expect(session.ask('lose')).rejects.toThrow('ended with 2');
    expect(psql.started).toBe(2);
    await expect(session.ask('lose')).rejects.toThrow('ended with 2');
    expect(psql.started).toBe(3);
  });

  test('leave their psql to somebody else only when none is being asked, and go on in another one', async () => {
    const psql = new FakePsql();
    const session = new QuerySession(psql.run);
    expect(session.take()).toBeUndefined();
    const asking = session.ask('a');
    expect(session.take()).toBeUndefined();
    await asking;
    const taken = session.take();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await taken!.say('mine')).toBe('[mine]');
    expect(session.take()).toBeUndefined();
    expect(await session.ask('b')).toBe('[b]');
    expect(psql.started).toBe(2);
    await taken!.end();
  });
});
