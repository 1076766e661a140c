/** What a soak is told. */
export interface SoakOptions {
  /** Decides every choice. */
  readonly seed: number;
  readonly rounds: number;
  /** Name of the compose project and prefix of the images: nothing else on the engine may have it. */
  readonly project: string;
  readonly say: (line: string) => void;
  /** Leaves everything as it is when something is not as it has to be, to be looked at. @default false */
  readonly leaveMismatch?: boolean;
}

/** Something done over and over at random, held against a model of what has to come out. */
export interface Soak {
  readonly defaultRounds: number;
  /** @throws Mismatch */
  readonly run: (options: SoakOptions) => Promise<void>;
}

/** What is there is not what has to be there. */
export class Mismatch extends Error {
  /**
   * @param where - e.g. `round 12 (revert r3)`
   * @param details - what differs, a line each
   */
  constructor(where: string, details: readonly string[]) {
    super([where, ...details.map((line) => `  ${line}`)].join('\n'));
    this.name = 'Mismatch';
  }
}

/** Where two plain values differ, by their path: `services.api.image: expected "a", found "b"`. */
export function differences(expected: unknown, found: unknown, path = ''): string[] {
  if (isObject(expected) && isObject(found)) {
    const keys = [...new Set([...Object.keys(expected), ...Object.keys(found)])].sort();
    return keys.flatMap((key) => differences(expected[key], found[key], path === '' ? key : `${path}.${key}`));
  }
  const [wanted, there] = [JSON.stringify(expected), JSON.stringify(found)];
  return wanted === there ? [] : [`${path}: expected ${wanted}, found ${there}`];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
