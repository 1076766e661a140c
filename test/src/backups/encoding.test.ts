import { expect, test } from 'vitest';

import { dumpText, textFormOf } from '../../../src/backups/encoding';
import { plainDump } from '../../support/plain-dump';

async function textOf(bytes: Buffer, chunk = 1000): Promise<string> {
  const source = (async function* () {
    for (let at = 0; at < bytes.length; at += chunk) yield Promise.resolve(bytes.subarray(at, at + chunk));
  })();
  let text = '';
  for await (const part of dumpText(source, textFormOf(bytes))) text += part;
  return Buffer.from(text, 'latin1').toString('utf8');
}

const dump = plainDump({ more: `SELECT 'Müller 東京 😀';\n` });
const crlf = dump.replaceAll('\n', '\r\n');
const big = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le').swap16();

test.each([
  ['UTF-8', Buffer.from(dump)],
  ['UTF-8 with a mark', Buffer.from(`\ufeff${dump}`)],
  ['CR LF', Buffer.from(crlf)],
  ['a redirect of PowerShell: UTF-16 with a mark, CR LF', Buffer.from(`\ufeff${crlf}`, 'utf16le')],
  ['UTF-16 without a mark', Buffer.from(dump, 'utf16le')],
  ['UTF-16, big-endian', big(crlf)],
])('a dump comes out as pg_dump has written it: %s', async (_what, bytes) => {
  for (const chunk of [1, 2, 3, 7, 1000, 100_000]) expect(await textOf(bytes, chunk)).toBe(dump);
});

test('a CR that is the data’s own stays', async () => {
  const own = plainDump({ more: `SELECT 'a\r\nb';\n` });
  expect(await textOf(Buffer.from(own))).toBe(own);
});

test('bytes of an encoding that is not UTF-8 stay as they are', async () => {
  const parts: string[] = [];
  const bytes = Buffer.from([0x2d, 0x2d, 0x0a, 0xfc, 0xe9]);
  for await (const part of dumpText(
    (async function* () {
      yield Promise.resolve(bytes);
    })(),
    textFormOf(bytes),
  ))
    parts.push(part);
  expect(Buffer.from(parts.join(''), 'latin1')).toEqual(bytes);
});
