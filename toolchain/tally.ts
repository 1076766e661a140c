/** How many tests of a kind passed, failed and were skipped. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const nothing: Tally = { passed: 0, failed: 0, skipped: 0 };

export function add(one: Tally, other: Tally): Tally {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
  };
}

/** The line that closes a run. */
export function closingLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** A check that is one test: it holds or not. */
export function single(holds: boolean): Tally {
  return holds ? { ...nothing, passed: 1 } : { ...nothing, failed: 1 };
}

/** A runner that ended with an error although no test failed counts as a failure: it broke down. */
export function withExitCode(tally: Tally, exitCode: number | undefined): Tally {
  return exitCode !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally;
}

/** Reads the report of vitest's JSON reporter. */
export function tallyVitest(report: string): Tally {
  const { testResults } = JSON.parse(report) as {
    testResults: { status: string; assertionResults: { status: string }[] }[];
  };
  const count = (...wanted: string[]) =>
    testResults.flatMap((file) => file.assertionResults).filter(({ status }) => wanted.includes(status)).length;
  // A file that could not be loaded has no tests, but has failed.
  const broken = testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
  return {
    passed: count('passed'),
    failed: count('failed') + broken,
    skipped: count('skipped', 'pending', 'todo', 'disabled'),
  };
}

/** Reads the summary that closes the TAP output of Node's own test runner. */
export function tallyTap(output: string): Tally {
  const count = (what: string) => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(output)?.[1] ?? 0);
  return {
    passed: count('pass'),
    failed: count('fail') + count('cancelled'),
    skipped: count('skipped') + count('todo'),
  };
}

interface GoEvent {
  readonly Action: string;
  readonly Package?: string;
  readonly Test?: string;
  readonly Output?: string;
}

/** Reads the lines of `go test -json`. A test with subtests is not counted besides them. */
export function tallyGo(lines: readonly string[]): Tally {
  const results = new Map<string, string>();
  const failedPackages = new Set<string>();
  for (const { Action, Package = '', Test } of lines.map(parseGoEvent)) {
    if (!['pass', 'fail', 'skip'].includes(Action)) continue;
    if (Test !== undefined) results.set(`${Package} ${Test}`, Action);
    else if (Action === 'fail') failedPackages.add(Package);
  }
  const names = [...results.keys()];
  const parents = new Set(names.flatMap(ancestors));
  const leaves = names.filter((name) => !parents.has(name));
  const count = (action: string) => leaves.filter((name) => results.get(name) === action).length;
  const failedTests = names.filter((name) => results.get(name) === 'fail');
  const broken = [...failedPackages].filter((name) => !failedTests.some((test) => test.startsWith(`${name} `)));
  // A parent that fails by itself, after subtests that pass, must not be lost.
  const alone = failedTests.filter((name) => parents.has(name) && !failedTests.some((t) => t.startsWith(`${name}/`)));
  return { passed: count('pass'), failed: count('fail') + broken.length + alone.length, skipped: count('skip') };
}

/** What `go test -json` has to say to people: the packages' lines, and everything of tests that failed. */
export function goOutput(lines: readonly string[]): string {
  const events = lines.map(parseGoEvent);
  const failed = new Set(events.filter(({ Action, Test }) => Action === 'fail' && Test !== undefined).map(testName));
  return events
    .filter((event) => event.Output !== undefined && (event.Test === undefined || failed.has(testName(event))))
    .map(({ Output }) => Output)
    .join('');
}

function testName({ Package = '', Test = '' }: GoEvent): string {
  return `${Package} ${Test}`;
}

function ancestors(name: string): string[] {
  const cut = name.lastIndexOf('/');
  // The package's own path is before the space.
  if (cut < name.indexOf(' ')) return [];
  const parent = name.slice(0, cut);
  return [parent, ...ancestors(parent)];
}

function parseGoEvent(line: string): GoEvent {
  try {
    return JSON.parse(line) as GoEvent;
  } catch {
    // What the compiler says is plain text.
    return { Action: 'output', Output: `${line}\n` };
  }
}
