// @ts-check
// The entry of `npm start`, `npm test`, `npm run down`, `npm run bench`, `npm run soak` and `npm run faults`: makes sure
// of Node.js, the dependencies and the bundles in dist/, then runs the verb. Has no dependencies, for it runs before they are installed, and is written
// so that an old Node.js can at least read it and say that it is too old.

import { spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const oldestNode = 20;

/** What each verb runs: a bundle in dist/ and its first arguments. */
const verbs = {
  start: ['cli.js', 'example', 'start'],
  down: ['cli.js', 'example', 'down'],
  bench: ['bench.js'],
  soak: ['soak.js'],
  faults: ['faults.js'],
  test: ['checks.js'],
};

/** @param {string[]} argv */
async function main([verb, ...args]) {
  const command = verbs[/** @type {keyof typeof verbs} */ (verb)];
  if (!command)
    throw new Problem('cli/usage', `There is no verb ${verb}.`, `Use one of: ${Object.keys(verbs).join(', ')}.`);
  checkNode();
  const { withLock } = await import('../src/lock.mjs');
  const work = async () => {
    installDependencies();
    const { buildIfStale } = await import('../build.mjs');
    if (await buildIfStale()) console.log('Built dist/.');
  };
  await withLock(path.join(root, 'dist', '.bootstrap.lock'), work, {
    onWait: (holder) => console.log(`Waiting for ${holder}, which installs the dependencies or builds dist/.`),
  });

  const [bundle, ...first] = /** @type {[string, ...string[]]} */ (command);
  const file = path.join(root, 'dist', bundle);
  if (!fs.existsSync(file))
    throw new Problem('setup/failed', `${file} is missing.`, 'Run `npm run build` and look at what it says.');
  process.argv = [process.execPath, file, ...first, ...args];
  createRequire(import.meta.url)(file);
}

class Problem extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {string} fix
   */
  constructor(code, message, fix) {
    super(message);
    this.code = code;
    this.fix = fix;
  }
}

function checkNode() {
  const version = process.versions.node;
  if (Number(version.split('.')[0]) >= oldestNode) return;
  throw new Problem(
    'setup/node',
    `Rewind needs Node.js ${oldestNode} or newer; this is ${version} (${process.execPath}).`,
    'Install a current one: https://nodejs.org/en/download, `nvm install --lts`, or your package manager.',
  );
}

function installDependencies() {
  const lockfile = path.join(root, 'package-lock.json');
  const stamp = path.join(root, 'node_modules', '.rewind-lockfile');
  const wanted = crypto
    .createHash('sha256')
    .update(fs.readFileSync(lockfile))
    .update(`${process.platform} ${process.arch}`)
    .digest('hex');
  // npm writes this file last, so that it also tells an installation that was interrupted.
  const installed = modified(path.join(root, 'node_modules', '.package-lock.json'));
  if (installed) {
    if (readOr(stamp) === wanted) return;
    if (installed > (modified(lockfile) || 0)) {
      // `npm install` or `npm ci` by hand, after the last change of the lockfile.
      fs.writeFileSync(stamp, wanted);
      return;
    }
  }
  console.log('Installing the dependencies (npm ci) …');
  const started = Date.now();
  // Scripts of packages have nothing to do here: they download plugins, which the set-up does itself.
  const npm = spawnSync(process.platform === 'win32' ? 'npm.cmd' : 'npm', ['ci', '--no-progress', '--ignore-scripts'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (npm.error || npm.status !== 0) {
    throw new Problem(
      'setup/failed',
      npm.error ? `npm could not be started: ${npm.error.message}` : `npm ci failed with exit code ${npm.status}.`,
      'See what npm says above. It needs the npm registry, or a mirror of it: `npm config get registry`.',
    );
  }
  fs.writeFileSync(stamp, wanted);
  console.log(`Installed the dependencies (${((Date.now() - started) / 1000).toFixed(1)} s).`);
}

/** @param {string} file */
function modified(file) {
  return fs.existsSync(file) ? fs.statSync(file).mtimeMs : undefined;
}

/** @param {string} file */
function readOr(file) {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined;
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error instanceof Problem ? `${error.message}\n  → ${error.fix} [${error.code}]` : error);
  process.exitCode = 1;
});
