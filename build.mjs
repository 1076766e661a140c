// @ts-check
// Bundles the sources to dist/: the Pulumi program and the command line, as CommonJS for Node.js 20.
//
//   node build.mjs              builds
//   import { buildIfStale }     builds only if a source has changed since

import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { isUsedRarely } from './components/used-rarely.mjs';

const root = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(root, 'dist');
const stampFile = path.join(dist, '.inputs.json');

/** Bundle in dist/ -> its entry point. Those named in `executables` begin with a `#!` line of their own. A program is run by the bundle that has its name. */
const entryPoints = {
  index: 'index.ts',
  components: 'components/index.ts',
  preload: 'components/preload.ts',
  'schema-state': 'components/schema-state-provider.ts',
  cli: 'cli/cli.ts',
  'cli-program': 'cli/main.ts',
  op: 'cli/op-cli.ts',
  'op-program': 'cli/op.ts',
  bench: 'bench/main.ts',
  soak: 'soak/main.ts',
  faults: 'faults/main.ts',
  checks: 'toolchain/checks.ts',
};
const executables = ['cli'];

/** What V8 compiles once for many processes, by cli/launch.ts: in such code import() would need a flag of Node.js. */
const launched = ['cli-program', 'op-program'];

// Left to node_modules: what loads files of its own at run time, is native, or is too big to be worth bundling.
const external = ['esbuild', 'libpg-query', 'undici', 'vitest', 'typescript', 'prettier'];

/** Programs of users have Pulumi's SDK beside them, and what it speaks to the engine by: there may be only one in a process. */
const pulumi = ['@pulumi/*', '@grpc/grpc-js', 'google-protobuf'];

/**
 * dockerode loads an SSH client and gRPC at once, which takes 0.15 s of each process, of which an update starts several.
 * The SSH client is loaded when an engine is reached by it; gRPC serves image builds, which docker compose does here.
 *
 * @type {import('esbuild').Plugin}
 */
const dockerodeInParts = {
  name: 'dockerode-in-parts',
  setup(build) {
    build.onResolve({ filter: /^\.\/(ssh|session)$/ }, ({ path: name, importer }) =>
      /node_modules\/docker(ode|-modem)\/lib\//.test(importer) ? { path: name, namespace: 'later' } : undefined,
    );
    build.onLoad({ filter: /ssh$/, namespace: 'later' }, () => ({
      contents: `
        const find = (id, from) => require.resolve(id, { paths: [from] });
        module.exports = (...options) => require(find('docker-modem/lib/ssh', find('dockerode', __dirname)))(...options);`,
    }));
    build.onLoad({ filter: /session$/, namespace: 'later' }, () => ({
      contents: `module.exports = () => { throw new Error('images are built by docker compose'); };`,
    }));
  },
};

/**
 * The command line, which runs the standard program itself, has Pulumi's SDK in a bundle of its own, `sdk.js`, which is
 * loaded by the commands that need it: its 600 files take twice as long to load from node_modules as from kept code. What it
 * speaks to the engine by belongs to it.
 *
 * @param {Set<string>} used - gets the names of the packages and files of it that are used
 * @returns {import('esbuild').Plugin}
 */
const sdkApart = (used) => ({
  name: 'sdk-apart',
  setup(build) {
    build.onResolve({ filter: /^(@pulumi|@grpc\/grpc-js|google-protobuf)(\/|$)/ }, ({ path: name }) => ({
      path: name,
      namespace: 'sdk',
    }));
    build.onResolve({ filter: /^\.\/sdk\.js$/, namespace: 'sdk' }, ({ path: name }) => ({
      path: name,
      external: true,
    }));
    build.onLoad({ filter: /./, namespace: 'sdk' }, ({ path: name }) => {
      used.add(name);
      return { contents: `module.exports = require('./sdk.js')[${JSON.stringify(name)}]();` };
    });
  },
});

/**
 * What Pulumi's SDK needs rarely stays in node_modules. It takes a stack trace for each promise only where it shows them: if
 * PULUMI_DEBUG_PROMISE_LEAKS is set.
 *
 * @type {import('esbuild').Plugin}
 */
const pulumiInParts = {
  name: 'pulumi-in-parts',
  setup(build) {
    build.onResolve({ filter: /./ }, ({ path: name, importer, namespace }) =>
      namespace === 'file' && isUsedRarely(name, importer)
        ? { path: name, namespace: 'rarely', pluginData: importer.replace(/^.*[/\\]node_modules[/\\]/, '') }
        : undefined,
    );
    build.onLoad({ filter: /./, namespace: 'rarely' }, ({ path: name, pluginData: by }) => ({
      contents: `
        const { whenUsed } = require('./components/when-used');
        const { createRequire } = require('node:module');
        const find = (id) => require.resolve(id);
        module.exports = whenUsed(() => createRequire(find(${JSON.stringify(by)}))(${JSON.stringify(name)}));`,
      resolveDir: root,
    }));
    build.onLoad({ filter: /[/\\]@pulumi[/\\]pulumi[/\\]runtime[/\\]debuggable\.js$/ }, ({ path: file }) => {
      const parts = fs.readFileSync(file, 'utf8').split('value: new Error().stack }');
      if (parts.length !== 2) throw new Error(`${file} takes ${parts.length - 1} stack traces, not one`);
      return { contents: parts.join('value: exports.debugPromiseLeaks ? new Error().stack : undefined }') };
    });
  },
};

/**
 * Builds dist/ unless it is up to date.
 *
 * @returns {Promise<boolean>} whether it had to build
 */
export async function buildIfStale() {
  if (isFresh()) return false;
  await build();
  return true;
}

/** Builds dist/, replacing what is there. */
export async function build() {
  const { build: bundle } = await import('esbuild');
  const all = Object.entries(entries());
  /** @param {boolean} isLaunched */
  const of = (isLaunched) => Object.fromEntries(all.filter(([name]) => launched.includes(name) === isLaunched));
  /** @type {import('esbuild').BuildOptions} */
  const options = {
    absWorkingDir: root,
    outdir: dist,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    // Not linked from the bundles: Pulumi takes a stack trace for every resource and would map each through it,
    // which is a fifth of the time of a preview.
    sourcemap: 'external',
    external: [...external, ...pulumi],
    plugins: [dockerodeInParts],
    // Programs for elsewhere are carried as text.
    loader: { '.py': 'text' },
    logLevel: 'warning',
  };
  /** @type {Set<string>} */
  const used = new Set();
  const launchedOptions = { ...options, supported: { 'dynamic-import': false }, external };
  const made = await Promise.all([
    bundle({ ...options, entryPoints: of(false), metafile: true }),
    bundle({
      ...launchedOptions,
      entryPoints: of(true),
      metafile: true,
      plugins: [dockerodeInParts, sdkApart(used)],
    }),
  ]);
  const parts = [...used].sort().map((name) => `${JSON.stringify(name)}: () => require(${JSON.stringify(name)})`);
  const sdk = await bundle({
    ...launchedOptions,
    stdin: { contents: `module.exports = { ${parts.join(', ')} };`, resolveDir: root },
    outdir: undefined,
    outfile: path.join(dist, 'sdk.js'),
    metafile: true,
    plugins: [pulumiInParts],
  });
  for (const name of executables) fs.chmodSync(path.join(dist, `${name}.js`), 0o755);
  const files = new Set([...made, sdk].flatMap(({ metafile }) => Object.keys(metafile.inputs)));
  const inputs = [...files].filter((file) => !/^(node_modules\/|<stdin>|later:|rarely:|sdk:)/.test(file));
  fs.writeFileSync(stampFile, JSON.stringify({ entries: entries(), inputs: describe([...inputs, ...settings]) }));
}

/** What else decides the outcome; the lockfile stands for everything in node_modules. */
const settings = ['build.mjs', 'tsconfig.json', 'package-lock.json'];

function entries() {
  return Object.fromEntries(Object.entries(entryPoints).filter(([, file]) => fs.existsSync(path.join(root, file))));
}

/** @param {string[]} files relative to the root */
function describe(files) {
  return Object.fromEntries(
    files.map((file) => {
      const { size, mtimeMs } = fs.statSync(path.join(root, file));
      return [file, { size, mtimeMs, sha256: hash(file) }];
    }),
  );
}

/** @param {string} file */
function hash(file) {
  return crypto
    .createHash('sha256')
    .update(fs.readFileSync(path.join(root, file)))
    .digest('hex');
}

function isFresh() {
  let stamp;
  try {
    stamp = JSON.parse(fs.readFileSync(stampFile, 'utf8'));
  } catch {
    return false;
  }
  if (JSON.stringify(stamp.entries) !== JSON.stringify(entries())) return false;
  if (![...Object.keys(stamp.entries), 'sdk'].every((name) => fs.existsSync(path.join(dist, `${name}.js`))))
    return false;
  return Object.entries(stamp.inputs).every(([file, before]) => {
    const now = fs.statSync(path.join(root, file), { throwIfNoEntry: false });
    if (!now || now.size !== before.size) return false;
    // A checkout may touch a file without changing it.
    return now.mtimeMs === before.mtimeMs || hash(file) === before.sha256;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
