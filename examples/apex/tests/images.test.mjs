import { strict as assert } from 'node:assert';
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { mmdebstrapCommand, sources } from '../images/base.mjs';
import { RELEASES, catalogue } from '../images/catalogue.mjs';
import { ROOT, fillContext, hashFolders } from '../images/context.mjs';
import { buildCommand } from '../images/docker.mjs';
import { INPUTS_LABEL, plan } from '../images/plan.mjs';
import { run } from '../images/run.mjs';

const chain = [
  { name: 'base', context: ['images/base'], dockerfile: 'Dockerfile', internal: true },
  { name: 'python', context: ['images/python'], dockerfile: 'Dockerfile', internal: true, parents: ['base'] },
  { name: 'cache', context: ['images/cache'], dockerfile: 'Dockerfile', parents: ['base'] },
  { name: 'api', context: ['images/api'], dockerfile: 'Dockerfile', parents: ['python'] },
];
const names = ({ wanted }) => wanted.map(({ name }) => name);

async function allBuilt() {
  const { wanted } = await plan(chain, new Map());
  return new Map(wanted.map(({ name, hash }) => [name, { [INPUTS_LABEL]: hash }]));
}

test('where nothing was built, everything is, parents first', async () => {
  assert.deepEqual(names(await plan(chain, new Map())), ['base', 'python', 'cache', 'api']);
});

test('what is up to date is kept', async () => {
  const { wanted, kept } = await plan(chain, await allBuilt());
  assert.deepEqual([wanted, kept.length], [[], 4]);
});

test('force builds everything again', async () => {
  assert.equal(names(await plan(chain, await allBuilt(), true)).length, 4);
});

test('changed inputs of an image rebuild it and nothing else', async () => {
  const present = (await allBuilt()).set('api', { [INPUTS_LABEL]: 'other' });
  assert.deepEqual(names(await plan(chain, present)), ['api']);
});

test('a parent that was removed is not missed until a child must be built', async () => {
  const present = await allBuilt();
  present.delete('python');
  assert.deepEqual(names(await plan(chain, present)), []);
  present.delete('api');
  assert.deepEqual(names(await plan(chain, present)), ['python', 'api']);
});

test('a change of a parent changes its children', async () => {
  const changed = [{ ...chain[0], args: { X: '1' } }, ...chain.slice(1)];
  assert.equal(names(await plan(changed, await allBuilt())).length, 4);
});

test('an image under a second name follows the first one, and needs no build where that is up to date', async () => {
  const named = [...chain, { name: 'again', context: [], sameAs: 'api', parents: ['api'] }];
  const present = await allBuilt();
  assert.deepEqual(names(await plan(named, present)), ['again']);
  present.set('again', present.get('api'));
  assert.deepEqual(names(await plan(named, present)), []);
  present.set('api', { [INPUTS_LABEL]: 'other' }).set('again', { [INPUTS_LABEL]: 'other' });
  assert.deepEqual(names(await plan(named, present)), ['api', 'again']);
});

test('no other entry of the catalogue has the same name, and parents stand before their children', () => {
  const seen = new Set(['rewind-example/base:bookworm']);
  for (const { name, parents } of catalogue) {
    assert(!seen.has(name), name);
    parents.forEach((parent) => assert(seen.has(parent), `${name} stands before ${parent}`));
    seen.add(name);
  }
});

const layersOf = (folder, { layers }) => layers.map((layer) => (layer === '.' ? folder : `${layer}/${folder}`));

test('each release has code of its own, and a page of its own where its page has changed', async () => {
  const withPage = RELEASES.filter(({ changed }) => changed.includes('frontend'));
  for (const [folder, releases] of Object.entries({ app: RELEASES, web: withPage })) {
    const hashes = await Promise.all(releases.map((release) => hashFolders(layersOf(folder, release))));
    assert.equal(new Set(hashes).size, releases.length, folder);
  }
});

test('each release has the migrations of its own history and no others', async () => {
  const found = {};
  for (const release of RELEASES) {
    const folder = await mkdtemp(join(tmpdir(), 'apex-test-'));
    await fillContext(layersOf('app', release), folder);
    found[release.tag] = (await readdir(join(folder, 'migrations/versions'))).map((name) => name.slice(0, 4)).sort();
    await rm(folder, { recursive: true });
  }
  assert.deepEqual(found, {
    'v0.1.0': ['0001'],
    'v0.2.0': ['0001', '0002', '0003'],
    'v0.3.0-broken': ['0001', '0002', '0003'],
    'v0.3.0': ['0001', '0002', '0003', '0004'],
    'v0.4.0': ['0001', '0002', '0003', '0005'],
  });
});

test('a proxy reaches the build by name only, so that its password is in no argument list', () => {
  const image = { name: 'x', dockerfile: 'Dockerfile', args: {}, labels: {} };
  const argv = buildCommand(image, '/context', { https_proxy: 'http://me:secret@proxy:3128' });
  assert(argv.join(' ').includes('--build-arg https_proxy '));
  assert(!argv.join(' ').includes('secret'));
  assert(!argv.includes('--network'));
});

test('a proxy on loopback is reached through the network of the host', () => {
  const image = { name: 'x', dockerfile: 'Dockerfile', args: {}, labels: {} };
  const argv = buildCommand(image, '/context', { http_proxy: 'http://127.0.0.1:3128' });
  assert.equal(argv[argv.indexOf('--network') + 1], 'host');
});

test('the base takes the security fixes from the same mirror', () => {
  assert.match(
    sources('bookworm', 'http://mirror.example/debian/'),
    /^deb http:\/\/mirror.example\/debian-security bookworm-security main$/m,
  );
  assert.equal(mmdebstrapCommand('bookworm', '/x.tar', true).at(-1), '-');
  assert.equal(mmdebstrapCommand('bookworm', '/x.tar', false).at(-1), '/x.tar');
});

test('a program that is not there is told apart from one that fails', async () => {
  assert.equal((await run(['no-such-program-here'])).missing, true);
  const failed = await run(['sh', '-c', 'echo why >&2; exit 3']);
  assert.deepEqual([failed.code, failed.missing, failed.tail], [3, false, 'why']);
});

test('a program that takes too long is ended', async () => {
  const result = await run(['sleep', '30'], { timeoutMs: 50 });
  assert.equal(result.timedOut, true);
});

test('a program is ended when the build is cancelled', async () => {
  const result = await run(['sleep', '30'], { signal: AbortSignal.timeout(50) });
  assert.equal(result.code, null);
});

test('one image that cannot be built ends the build with its own error and leaves nothing behind', async () => {
  const temporary = await mkdtemp(join(tmpdir(), 'apex-test-'));
  const env = { APEX_DEBIAN_IMAGE: '127.0.0.1:9/no:such', TMPDIR: temporary };
  const result = await run([process.execPath, join(ROOT, 'images/build.mjs'), '--force'], { env });
  assert.equal(result.code, 1);
  assert.match(result.tail, /^EXAMPLE_BASE_UNAVAILABLE: .*127\.0\.0\.1:9\/no:such/m);
  assert.match(result.tail, /^To mend it: /m);
  assert.deepEqual(await readdir(temporary), []);
  await rm(temporary, { recursive: true });
});

test('a context has each file once, the newest, readable by everyone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'apex-test-'));
  const umask = process.umask(0o077);
  try {
    await fillContext(['app', 'releases/v0.2.0/app'], folder);
  } finally {
    process.umask(umask);
  }
  assert.match(await readFile(join(folder, 'src/apex/__init__.py'), 'utf8'), /0\.2\.0/);
  assert.equal((await stat(join(folder, 'src/apex/database.py'))).mode & 0o777, 0o644);
  for (const name of ['src', 'src/apex', 'migrations/versions']) {
    assert.equal((await stat(join(folder, name))).mode & 0o777, 0o755, name);
  }
  await rm(folder, { recursive: true });
});
