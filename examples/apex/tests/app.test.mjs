// The Python tests of each release, run in that release's own image.

import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { test } from 'node:test';
import { RELEASES } from '../images/catalogue.mjs';
import { ROOT } from '../images/context.mjs';
import { run } from '../images/run.mjs';

for (const { tag } of RELEASES) {
  test(`the Python tests pass in apex-api:${tag}`, async () => {
    const mount = `${join(ROOT, 'tests/python')}:/tests:ro`;
    const image = `apex-api:${tag}`;
    const container = ['--rm', '--network', 'none', '--read-only', '--volume', mount, image];
    const result = await run(['docker', 'run', ...container, 'python3', '-m', 'unittest', 'discover', '/tests']);
    assert.equal(result.code, 0, result.tail);
    assert.match(result.tail, /Ran 13 tests/);
  });
}
