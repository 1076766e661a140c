import { describe, expect, test } from 'vitest';
import { formatDuration, PlainOutput } from '../../toolchain/step-output';
import { runSteps, type Step } from '../../toolchain/steps';

const text = () => {
  let all = '';
  return { write: (part: string) => (all += part), lines: () => all.trimEnd().split('\n') };
};

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function step(name: string, run: Step['run'], after: string[] = []): Step {
  return { name, after, run };
}

test('steps run side by side, and those that need others after them', async () => {
  const order: string[] = [];
  const note = (name: string, ms: number) => async () => {
    order.push(`${name} starts`);
    await sleep(ms);
    order.push(`${name} ends`);
    return 'done';
  };
  const steps = [step('a', note('a', 40)), step('b', note('b', 10)), step('c', note('c', 1), ['a', 'b'])];
  await runSteps(steps, new PlainOutput(text()));
  expect(order).toEqual(['a starts', 'b starts', 'b ends', 'a ends', 'c starts', 'c ends']);
});

describe('when a step fails', () => {
  test('the others are stopped, later ones are not begun, and its error is thrown', async () => {
    const output = text();
    let began = false;
    const steps = [
      step('Docker', () => Promise.reject(new Error('no socket'))),
      step('Engine', async (_, signal) => {
        await sleep(5);
        signal.throwIfAborted();
        return 'built';
      }),
      step(
        'Images',
        () => {
          began = true;
          return Promise.resolve('');
        },
        ['Docker'],
      ),
    ];
    await expect(runSteps(steps, new PlainOutput(output))).rejects.toThrow('no socket');
    expect(began).toBe(false);
    expect(output.lines().map((line) => line.replace(/\(.*\)/, '(…)'))).toEqual([
      '✖ Docker: failed (…)',
      '✖ Engine: stopped (…)',
    ]);
  });
});

test('in a pipe, each step is a line with its name, outcome and time', async () => {
  const output = text();
  await runSteps(
    [
      step('Engine', (report) => {
        report('building');
        report('building');
        return Promise.resolve('pulumi 3.256.0');
      }),
    ],
    new PlainOutput(output),
  );
  expect(output.lines()).toEqual([
    '  Engine: building',
    expect.stringMatching(/^✔ Engine: pulumi 3\.256\.0 \(\d+ ms\)$/),
  ]);
});

test.each([
  [12.4, '12 ms'],
  [400, '0.4 s'],
  [59_940, '59.9 s'],
  [205_000, '3 min 25 s'],
  [119_700, '2 min 0 s'],
])('%d ms are %s', (ms, expected) => {
  expect(formatDuration(ms)).toBe(expected);
});
