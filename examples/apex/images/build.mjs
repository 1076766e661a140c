#!/usr/bin/env node
// Builds the images of the example stack: by hand with `node examples/apex/images/build.mjs`, or from the set-up
// through buildImages(). Needs only Node and Docker; see README.md for what else a machine without Internet needs.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { base } from './base.mjs';
import { catalogue } from './catalogue.mjs';
import { fillContext } from './context.mjs';
import { assertDockerWorks, dockerBuild, dockerTag, labelsOf } from './docker.mjs';
import { BuildError, cancelled } from './errors.mjs';
import { INPUTS_LABEL, plan } from './plan.mjs';

/**
 * Brings images up to date, every one of the example by default. Images whose inputs have not changed are left alone.
 *
 * @param {object} [options]
 * @param {object[]} [options.images] entries of the catalogue, parents first; all of the example by default
 * @param {(event: {image: string, step: "start"|"line"|"done"|"kept", text?: string, elapsedMs: number}) => void}
 *   [options.onProgress] told of every step; elapsedMs counts from the start of the whole build
 * @param {AbortSignal} [options.signal] ends the build and whatever it started
 * @param {boolean} [options.force] builds everything again, for instance for Debian's security updates
 * @returns {Promise<{built: string[], kept: string[], elapsedMs: number}>} image names
 * @throws {BuildError} with code, message and fix
 */
export async function buildImages({
  images = [base, ...catalogue],
  onProgress = () => {},
  signal,
  force = false,
} = {}) {
  const began = Date.now();
  const report = (image, step, text) => onProgress({ image, step, text, elapsedMs: Date.now() - began });

  const names = images.map(({ name }) => name);
  const present = await labelsOf(names, signal);
  const { wanted, kept } = await plan(images, present, force);
  for (const name of kept) report(name, 'kept');
  if (wanted.length === 0) return { built: [], kept, elapsedMs: Date.now() - began };

  await assertDockerWorks(signal);
  // One failure ends the others: nobody should wait two minutes for an error that is known already.
  const stop = new AbortController();
  const folder = await mkdtemp(join(tmpdir(), 'apex-images-'));
  const options = { signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal, report, force };
  try {
    const failures = await inOrder(wanted, (image, parents) => buildOne(image, parents, folder, options), stop);
    if (signal?.aborted) throw cancelled('The build of the example images');
    // What was ended because something else failed says nothing of its own.
    if (failures.length > 0) throw failures.find(({ code }) => code !== 'EXAMPLE_BUILD_CANCELLED') ?? failures[0];
  } finally {
    // What was ended may still be writing its last.
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
  return { built: wanted.map(({ name }) => name), kept, elapsedMs: Date.now() - began };
}

/** Starts every build at once; each gets a promise of its parents. Returns what failed, first failure first. */
async function inOrder(images, build, stop) {
  const running = new Map();
  const failures = [];
  for (const image of images) {
    const parents = Promise.all((image.parents ?? []).map((parent) => running.get(parent)));
    parents.catch(() => {}); // it may fail before the build looks at it
    const task = build(image, parents);
    task.catch((failure) => {
      failures.push(failure);
      stop.abort();
    });
    running.set(image.name, task);
  }
  await Promise.allSettled(running.values());
  return failures;
}

async function buildOne(image, parents, folder, { signal, report, force }) {
  if (image.sameAs !== undefined) return nameAgain(image, parents, { signal, report });
  const context = join(folder, image.name.replace(/[/:]/g, '-'));
  await mkdir(context);
  await fillContext(image.context, context);
  const options = { signal, report: (text) => report(image.name, 'line', text) };
  // Compiling needs no parent: it runs beside the parent's build.
  await Promise.all([parents, image.prepare?.(context, options)]);
  if (signal.aborted) throw cancelled(`The build of ${image.name}`);
  report(image.name, 'start');
  const args = image.resolveArgs ? await image.resolveArgs(folder, options) : image.args;
  const labels = { [INPUTS_LABEL]: image.hash };
  await dockerBuild({ ...image, args, labels, fresh: force }, context, { signal, onLine: options.report });
  report(image.name, 'done');
}

async function nameAgain({ name, sameAs }, parents, { signal, report }) {
  await parents;
  if (signal.aborted) throw cancelled(`The naming of ${name}`);
  report(name, 'start');
  await dockerTag(sameAs, name, signal);
  report(name, 'done');
}

async function main() {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => stop.abort());
  const verbose = process.argv.includes('--verbose');
  const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`.padStart(8);
  try {
    const { built, kept, elapsedMs } = await buildImages({
      signal: stop.signal,
      force: process.argv.includes('--force'),
      onProgress: ({ image, step, text, elapsedMs: at }) => {
        if (step === 'done' || step === 'start') console.log(`${seconds(at)}  ${step.padEnd(5)}  ${image}`);
        if (step === 'line' && verbose) console.log(`${seconds(at)}  ${image}: ${text}`);
      },
    });
    console.log(`${seconds(elapsedMs)}  ${built.length} images built, ${kept.length} up to date`);
  } catch (failure) {
    if (!(failure instanceof BuildError)) throw failure;
    console.error(`\n${failure.code}: ${failure.message}${failure.fix ? `\nTo mend it: ${failure.fix}` : ''}`);
    process.exitCode = failure.code === 'EXAMPLE_BUILD_CANCELLED' ? 130 : 1;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
