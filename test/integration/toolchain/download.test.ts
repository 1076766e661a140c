import { execa, execaSync } from 'execa';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildIfStale } from '../../../build.mjs';
import { composeAsset } from '../../../toolchain/releases';
import { resourcePlugins, versions } from '../../../toolchain/versions';

// A mirror with the release's archives, as a company would run one: made here of the engine and plugins of this run, so
// that the real engine is downloaded, checked, unpacked and started, and the real `pulumi plugin install` runs.

let root: string;
let server: http.Server;
let url: string;

const tar = (archive: string, folder: string, ...members: string[]) =>
  execaSync('tar', ['-chf', archive, '--use-compress-program', 'gzip -1', '-C', folder, ...members]);

beforeAll(async () => {
  await buildIfStale();
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'rewind-mirror-'));
  const files = path.join(root, 'files');
  const release = path.join(root, 'release', 'pulumi');
  fs.mkdirSync(files);
  fs.mkdirSync(release, { recursive: true });

  const home = process.env['PULUMI_HOME']!;
  const engine = execaSync('sh', ['-c', 'command -v pulumi']).stdout;
  for (const name of ['pulumi', 'pulumi-language-nodejs', 'pulumi-resource-pulumi-nodejs']) {
    fs.copyFileSync(path.join(path.dirname(engine), name), path.join(release, name));
  }
  const archive = `pulumi-v${versions.pulumi}-${process.platform}-${process.arch}.tar.gz`;
  tar(path.join(files, archive), path.join(root, 'release'), 'pulumi');
  write(`pulumi-${versions.pulumi}-checksums.txt`, `${sha256(archive)}  ${archive}\n`);

  const goArch = { x64: 'amd64' }[process.arch as string] ?? process.arch;
  for (const plugin of resourcePlugins) {
    const name = `pulumi-resource-${plugin}`;
    const folder = path.join(home, 'plugins', `resource-${plugin}-v${versions[plugin]}`);
    tar(path.join(files, `${name}-v${versions[plugin]}-${process.platform}-${goArch}.tar.gz`), folder, name);
  }
  const compose = process.env['REWIND_COMPOSE'];
  if (compose) {
    fs.copyFileSync(compose, path.join(files, composeAsset()));
    write(`${composeAsset()}.sha256`, `${sha256(composeAsset())} *${composeAsset()}\n`);
  }

  function write(name: string, text: string) {
    fs.writeFileSync(path.join(files, name), text);
  }
  function sha256(name: string) {
    return crypto
      .createHash('sha256')
      .update(fs.readFileSync(path.join(files, name)))
      .digest('hex');
  }

  server = http.createServer((request, response) => {
    const file = path.join(files, path.basename(request.url ?? ''));
    if (!fs.existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    // Pulumi asks for the length.
    response.writeHead(200, { 'content-length': fs.statSync(file).size });
    fs.createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
  fs.rmSync(root, { recursive: true, force: true });
});

test('engine, plugins and docker compose come from a mirror, and work', async () => {
  const env = { REWIND_CACHE: path.join(root, 'cache'), REWIND_DOWNLOAD_URL: url, HOME: path.join(root, 'home') };
  const folders = process.env['PATH']!.split(':');
  // Without the engine of this run, which counts as a user's own here, and without Go: a download is the only way.
  const rest = folders.filter(
    (folder) => !fs.existsSync(path.join(folder, 'pulumi')) && !fs.existsSync(path.join(folder, 'go')),
  );
  const run = (...args: string[]) =>
    execa(process.execPath, [path.resolve('dist/cli.js'), ...args], {
      env: { ...env, PATH: rest.join(':'), PULUMI_HOME: undefined, REWIND_COMPOSE: undefined },
      all: true,
    });
  const { all } = await run('setup');
  expect(all).toMatch(/✔ Pulumi engine: pulumi [\d.]+, downloaded/);
  expect(all).toContain(resourcePlugins.map((plugin) => `${plugin} ${versions[plugin]} (downloaded)`).join(', '));

  const shell = JSON.parse((await run('env', '--shell', 'json')).stdout) as Record<string, string>;
  const { stdout } = await execa('pulumi', ['plugin', 'ls', '--json'], { env: shell });
  const listed = (JSON.parse(stdout) as { name: string; version: string }[]).map(
    ({ name, version }) => `${name} ${version}`,
  );
  expect(listed.sort()).toEqual(resourcePlugins.map((plugin) => `${plugin} ${versions[plugin]}`).sort());
  expect((await run('setup')).all).toMatch(/^Everything is there/);
});
