import { expect, test } from 'vitest';
import { closingLine, goOutput, tallyGo, tallyTap, tallyVitest, withExitCode } from '../../toolchain/tally';

const go = (...events: object[]) => events.map((event) => JSON.stringify(event));

test('the closing line is the one that CI reads', () => {
  expect(closingLine({ passed: 12, failed: 0, skipped: 3 })).toBe('12 passed, 0 failed, 3 skipped');
});

test('vitest’s tests are counted, and files that could not be loaded', () => {
  const report = {
    testResults: [
      { status: 'passed', assertionResults: ['passed', 'passed', 'skipped', 'todo'].map((status) => ({ status })) },
      { status: 'failed', assertionResults: [{ status: 'failed' }, { status: 'passed' }] },
      { status: 'failed', assertionResults: [] },
    ],
  };
  expect(tallyVitest(JSON.stringify(report))).toEqual({ passed: 3, failed: 2, skipped: 2 });
});

test('Go’s subtests are counted, and not their parents besides', () => {
  const lines = go(
    { Action: 'pass', Package: 'rewind.dev/p', Test: 'TestA/one' },
    { Action: 'fail', Package: 'rewind.dev/p', Test: 'TestA/two' },
    { Action: 'fail', Package: 'rewind.dev/p', Test: 'TestA' },
    { Action: 'skip', Package: 'rewind.dev/p', Test: 'TestB' },
    { Action: 'pass', Package: 'rewind.dev/p', Test: 'TestC' },
    { Action: 'fail', Package: 'rewind.dev/p' },
    { Action: 'skip', Package: 'rewind.dev/q' },
  );
  expect(tallyGo(lines)).toEqual({ passed: 2, failed: 1, skipped: 1 });
});

test('a Go test that fails by itself beside passing subtests is a failure', () => {
  const lines = go(
    { Action: 'pass', Package: 'p', Test: 'TestA/one' },
    { Action: 'fail', Package: 'p', Test: 'TestA' },
    { Action: 'fail', Package: 'p' },
  );
  expect(tallyGo(lines)).toEqual({ passed: 1, failed: 1, skipped: 0 });
});

test('a Go package that does not compile is a failure, and what the compiler says is shown', () => {
  const lines = ['p/x.go:3: undefined: y', ...go({ Action: 'fail', Package: 'p' })];
  expect(tallyGo(lines)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(goOutput(lines)).toContain('undefined: y');
});

test('of Go’s output, that of tests which pass is left out', () => {
  const lines = go(
    { Action: 'output', Package: 'p', Test: 'TestA', Output: 'chatter\n' },
    { Action: 'pass', Package: 'p', Test: 'TestA' },
    { Action: 'output', Package: 'p', Test: 'TestB', Output: 'reason\n' },
    { Action: 'fail', Package: 'p', Test: 'TestB' },
    { Action: 'output', Package: 'p', Output: 'FAIL p 0.1s\n' },
  );
  expect(goOutput(lines)).toBe('reason\nFAIL p 0.1s\n');
});

test('the tests of Node’s own runner are counted from its summary', () => {
  const output = 'ok 1 - a\n1..9\n# tests 9\n# pass 5\n# fail 1\n# cancelled 1\n# skipped 1\n# todo 1\n';
  expect(tallyTap(output)).toEqual({ passed: 5, failed: 2, skipped: 2 });
  expect(tallyTap('SyntaxError: …')).toEqual({ passed: 0, failed: 0, skipped: 0 });
});

test('a runner that breaks down without a failing test has failed', () => {
  expect(withExitCode({ passed: 5, failed: 0, skipped: 0 }, 1).failed).toBe(1);
  expect(withExitCode({ passed: 5, failed: 2, skipped: 0 }, 1).failed).toBe(2);
  expect(withExitCode({ passed: 5, failed: 0, skipped: 0 }, undefined).failed).toBe(1);
  expect(withExitCode({ passed: 5, failed: 0, skipped: 0 }, 0).failed).toBe(0);
});
