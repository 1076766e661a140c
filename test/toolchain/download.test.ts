import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { checksumIn, downloadFile, fetchText, Unreachable } from '../../toolchain/download';
import { closedPort, serve } from './file-server';
import { tempFolder } from './temp-folder';

const content = Buffer.from('a release');
const sha256 = crypto.createHash('sha256').update(content).digest('hex');
const never = new AbortController().signal;

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('a download', () => {
  test('is kept if it is what its checksum says', async () => {
    const { url } = await serve({ '/file': content });
    const to = path.join(tempFolder(), 'file');
    await downloadFile(`${url}/file`, to, sha256.toUpperCase(), never);
    expect(fs.readFileSync(to)).toEqual(content);
  });

  test('is deleted and an error if it is not what its checksum says', async () => {
    const { url } = await serve({ '/file': 'tampered with' });
    const to = path.join(tempFolder(), 'file');
    await expect(downloadFile(`${url}/file`, to, sha256, never)).rejects.toMatchObject({
      code: 'setup/engine',
      message: expect.stringContaining(`not ${sha256}`) as string,
    });
    expect(fs.existsSync(to)).toBe(false);
  });

  test('follows redirects, as releases are served', async () => {
    const { url } = await serve({
      '/file': (response) => response.writeHead(302, { location: '/elsewhere' }).end(),
      '/elsewhere': content,
    });
    const to = path.join(tempFolder(), 'file');
    await downloadFile(`${url}/file`, to, sha256, never);
    expect(fs.readFileSync(to)).toEqual(content);
  });

  test('that breaks off is unreachable, so that another way is tried', async () => {
    const { url } = await serve({
      '/file': (response) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('half', () => response.destroy());
      },
    });
    await expect(downloadFile(`${url}/file`, path.join(tempFolder(), 'f'), sha256, never)).rejects.toThrow(Unreachable);
  });
});

describe('unreachable is', () => {
  test('a server that refuses the connection', async () => {
    const port = await closedPort();
    await expect(fetchText(`http://127.0.0.1:${port}/list`)).rejects.toThrow(`127.0.0.1:${port}: connect ECONNREFUSED`);
  });

  test('a file that is not there', async () => {
    const { url } = await serve({});
    await expect(fetchText(`${url}/list`)).rejects.toThrow('HTTP status 404');
  });

  test('a host without an address', async () => {
    await expect(fetchText('https://no-such-host.invalid/list')).rejects.toThrow(Unreachable);
  });

  test('a redirect in circles', async () => {
    const { url } = await serve({ '/list': (response) => response.writeHead(302, { location: '/list' }).end() });
    await expect(fetchText(`${url}/list`)).rejects.toThrow('redirects');
  });

  test('a server that takes the connection and says nothing', async () => {
    const silent = net.createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    await expect(fetchText(`http://127.0.0.1:${port}/`, 200)).rejects.toThrow(Unreachable);
    silent.close();
  });
});

test('a proxy named in the environment is used', async () => {
  const { url } = await serve({ '/list': 'through the proxy' });
  const asked: string[] = [];
  const proxy = http.createServer();
  proxy.on('connect', (request: http.IncomingMessage, client: net.Socket) => {
    asked.push(request.url ?? '');
    const target = net.connect(Number(new URL(url).port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      target.pipe(client).pipe(target);
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('http_proxy', `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
  vi.stubEnv('no_proxy', '');
  await expect(fetchText('http://releases.example/list')).resolves.toBe('through the proxy');
  expect(asked).toEqual(['releases.example:80']);
  proxy.closeAllConnections();
  proxy.close();
});

test('a checksum is found by the whole name of its file', () => {
  const list = `${'a'.repeat(64)}  pulumi-v1-linux-x64.tar.gz.sig\n${'B'.repeat(64)} *pulumi-v1-linux-x64.tar.gz\n`;
  expect(checksumIn(list, 'pulumi-v1-linux-x64.tar.gz')).toBe('B'.repeat(64));
  expect(checksumIn(list, 'pulumi-v1-linux-arm64.tar.gz')).toBeUndefined();
  expect(checksumIn('<html>Not found</html>', 'x')).toBeUndefined();
});
