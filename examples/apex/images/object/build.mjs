// Compiles versitygw, at the version that go.mod pins and go.sum verifies, for the architecture of the engine:
// with the Go that is installed, else with the golang image where Docker can pull it.

import { dirname, join } from 'node:path';
import { ROOT } from '../context.mjs';
import { engineArchitecture } from '../docker.mjs';
import { BuildError, cancelled } from '../errors.mjs';
import { run } from '../run.mjs';

const MODULE = join(ROOT, 'images/object');
const PACKAGE = 'github.com/versity/versitygw/cmd/versitygw';
const GO_IMAGE = 'golang:1.26-bookworm';

/** Compiles the server into a folder, as `versitygw`. */
export async function compileObjectServer(folder, { signal, report }) {
  const local = await compileHere(join(folder, 'versitygw'), { signal, report });
  if (local.code === 0) return;
  if (signal.aborted) throw cancelled('The compilation of versitygw');
  if (!local.missing && !isTooOld(local.tail)) {
    throw new BuildError(
      'EXAMPLE_OBJECT_FAILED',
      `versitygw could not be compiled:\n${local.tail}`,
      'a Go module proxy must be within reach (go env GOPROXY names it), and about 1 GB free for Go to build in',
    );
  }
  report(`no Go 1.25 or newer here: compiling with the image ${GO_IMAGE}`);
  await compileInContainer(folder, { signal, report });
}

/** The compiler's command line; runs nothing. */
export function compileCommand(output) {
  return ['go', 'build', '-mod=readonly', '-buildvcs=false', '-trimpath', '-ldflags=-s -w', '-o', output, PACKAGE];
}

async function compileHere(output, { signal, report }) {
  report('compiling versitygw');
  const GOARCH = await engineArchitecture(signal);
  // Go leaves its temporary files behind when it is ended: they go where the whole build's are removed.
  const GOTMPDIR = dirname(dirname(output));
  const env = { CGO_ENABLED: '0', GOOS: 'linux', GOARCH, GOTMPDIR, GOWORK: 'off' };
  return run(compileCommand(output), { signal, onLine: report, cwd: MODULE, env });
}

function isTooOld(output) {
  return /requires go >= |invalid go version|unknown directive: tool|toolchain not available/.test(output);
}

async function compileInContainer(folder, { signal, report }) {
  const options = { signal, onLine: report };
  const container = `rewind-example-versitygw-${process.pid}`;
  const steps = [
    [
      'docker',
      'create',
      '--name',
      container,
      '--workdir',
      '/src',
      '--env',
      'CGO_ENABLED=0',
      GO_IMAGE,
      ...compileCommand('/versitygw'),
    ],
    // Copied, not mounted: the engine may run on another machine.
    ['docker', 'cp', `${MODULE}/.`, `${container}:/src`],
    ['docker', 'start', '--attach', container],
    ['docker', 'cp', `${container}:/versitygw`, join(folder, 'versitygw')],
  ];
  try {
    for (const step of steps) {
      const result = await run(step, options);
      if (result.code === 0) continue;
      if (signal.aborted) throw cancelled('The compilation of versitygw');
      throw new BuildError(
        'EXAMPLE_GO_MISSING',
        `The object store of the example (versitygw) is compiled with Go: there is no Go 1.25 or newer on the PATH, and ` +
          `the image ${GO_IMAGE} does not do it either:\n${result.tail}`,
        'install Go 1.25 or newer, or let Docker reach a registry',
      );
    }
  } finally {
    await run(['docker', 'rm', '--force', '--volumes', container]);
  }
}
