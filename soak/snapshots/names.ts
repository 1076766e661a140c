import type { Random } from '../random';

const words = [
  'goods',
  'Order Lines',
  'quo"te',
  "o'brien",
  'ünï çødé 注文',
  'select',
  'back\\slash',
  'per%cent %s',
  'dot.ted',
  '$dollar$',
  'a=b',
  'tab\there',
  'UPPER',
];

/** Names as people and programs make them; none of them twice. */
export class Names {
  readonly #random: Random;
  #count = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  next(): string {
    return `${this.#random.pick(words)} ${++this.#count}`.replace(/^(goods|UPPER) /, '$1_');
  }
}

/** A name as SQL takes it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as SQL takes it. */
export function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
