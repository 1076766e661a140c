import path from 'node:path';

import { quotePosix } from '../src/shell-word';

/** Output formats of `rewind env`. `bash` also suits sh, dash, zsh and ksh. */
export const shells = ['bash', 'fish', 'powershell', 'json'] as const;
export type Shell = (typeof shells)[number];

/** A change of a shell's environment. */
export interface EnvironmentChange {
  readonly set: Readonly<Record<string, string>>;
  readonly unset: readonly string[];
}

/** The change as a script for a shell to evaluate, or as a JSON object in which null means to unset. */
export function renderEnvironment(change: EnvironmentChange, shell: Shell): string {
  const names = Object.entries(change.set);
  switch (shell) {
    case 'bash':
      return lines([
        ...change.unset.map((name) => `unset ${name}`),
        ...names.map(([name, value]) => `export ${name}=${quotePosix(value)}`),
      ]);
    case 'fish':
      return lines([
        ...change.unset.map((name) => `set -e ${name}`),
        ...names.map(([name, value]) => `set -gx ${name} ${fishValue(name, value)}`),
      ]);
    case 'powershell':
      return lines([
        ...change.unset.map((name) => `Remove-Item -ErrorAction Ignore Env:${name}`),
        ...names.map(([name, value]) => `$env:${name} = ${quotePowerShell(value)}`),
      ]);
    case 'json': {
      const unset = Object.fromEntries(change.unset.map((name) => [name, null]));
      return `${JSON.stringify({ ...unset, ...change.set }, undefined, 2)}\n`;
    }
  }
}

/** Quotes a word for fish, where a backslash counts inside single quotes too. */
export function quoteFish(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** Quotes a word for PowerShell, which also takes the typographic quotes for quotes. */
export function quotePowerShell(value: string): string {
  return `'${value.replace(/['‘’‚‛]/g, '$&$&')}'`;
}

function fishValue(name: string, value: string): string {
  const words = name === 'PATH' ? value.split(path.delimiter) : [value];
  return words.map(quoteFish).join(' ');
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}
