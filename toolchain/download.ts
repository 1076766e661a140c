import crypto from 'node:crypto';
import fs from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Dispatcher } from 'undici';
import { messageOf, RewindError } from '../src/errors';
import { proxyFor } from './proxy';

const connectTimeoutMs = 3_000;
const headersTimeoutMs = 10_000;
const idleTimeoutMs = 30_000;
/** A check of whether a server is there must not keep anybody waiting where packets vanish in a firewall. */
const checkTimeoutMs = 6_000;
const redirects = 5;

/** A server could not be reached or has no such file. What was wanted may be had in another way. */
export class Unreachable extends Error {
  constructor(url: string, reason: string, cause?: unknown) {
    super(`${new URL(url).host}: ${reason}`, { cause });
    this.name = 'Unreachable';
  }
}

/**
 * Fetches a small text.
 *
 * @param timeoutMs - for all of it. @default 6 s
 * @throws Unreachable
 */
export async function fetchText(url: string, timeoutMs: number = checkTimeoutMs): Promise<string> {
  return withResponse(url, AbortSignal.timeout(timeoutMs), (response) => response.body.text());
}

/**
 * Downloads a file and checks it.
 *
 * @param sha256 - what it must be, in hexadecimal
 * @throws Unreachable if it could not be fetched whole
 * @throws RewindError setup/engine if it is not the file that was promised; it is deleted then
 */
export async function downloadFile(url: string, to: string, sha256: string, signal: AbortSignal): Promise<void> {
  const hash = crypto.createHash('sha256');
  await withResponse(url, signal, async ({ body }) => {
    await pipeline(
      body,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          yield chunk;
        }
      },
      fs.createWriteStream(to),
    );
  });
  const actual = hash.digest('hex');
  if (actual === sha256.toLowerCase()) return;
  fs.rmSync(to, { force: true });
  throw new RewindError({
    code: 'setup/engine',
    message: `${url} is not the file that its release lists: its SHA-256 is ${actual}, not ${sha256}.`,
    fix: 'Run the set-up again. If it happens again, a proxy or mirror in between changes the file: ask who runs it.',
  });
}

/**
 * Finds the checksum of a file in the usual list of `<sha256>  <name>` lines.
 *
 * @returns undefined if the list does not name the file
 */
export function checksumIn(list: string, name: string): string | undefined {
  for (const line of list.split('\n')) {
    const match = /^([0-9a-fA-F]{64})\s+\*?(\S+)$/.exec(line.trim());
    if (match?.[2] === name) return match[1];
  }
  return undefined;
}

async function withResponse<T>(
  url: string,
  signal: AbortSignal,
  use: (response: Dispatcher.ResponseData) => Promise<T>,
): Promise<T> {
  const { Agent, ProxyAgent, request } = await import('undici');
  const timeouts = { headersTimeout: headersTimeoutMs, bodyTimeout: idleTimeoutMs };
  let at = new URL(url);
  for (let hop = 0; hop <= redirects; hop++) {
    const proxy = proxyFor(at, process.env);
    const dispatcher = proxy
      ? new ProxyAgent({ uri: proxy, connect: { timeout: connectTimeoutMs }, ...timeouts })
      : new Agent({ connect: { timeout: connectTimeoutMs }, ...timeouts });
    try {
      const response = await request(at, { dispatcher, signal });
      const location = response.headers['location'];
      if (response.statusCode >= 300 && response.statusCode < 400 && typeof location === 'string') {
        await response.body.dump();
        at = new URL(location, at);
        continue;
      }
      if (response.statusCode !== 200) {
        await response.body.dump();
        throw new Unreachable(url, `HTTP status ${response.statusCode}`);
      }
      return await use(response);
    } catch (error) {
      if (error instanceof Unreachable || error instanceof RewindError) throw error;
      throw new Unreachable(url, messageOf(error) || 'no connection', error);
    } finally {
      await dispatcher.destroy().catch(() => undefined);
    }
  }
  throw new Unreachable(url, `more than ${redirects} redirects`);
}
