import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

import { toolVariables } from '../toolchain/environment';
import { ensureToolchain } from '../toolchain/setup';
import { formatDuration } from '../toolchain/step-output';
import { assessHealthy } from './assess/healthy';
import { releaseRoundTrips } from './releases/round-trips';
import { snapshotRoundTrips } from './snapshots/round-trips';
import { Mismatch, type Soak } from './soak';

const soaks: Readonly<Record<string, Soak>> = {
  releases: { defaultRounds: 50, run: releaseRoundTrips },
  snapshots: { defaultRounds: 100, run: snapshotRoundTrips },
  // Ten seconds each: half an hour.
  assess: { defaultRounds: 180, run: assessHealthy },
};

const usage = `npm run soak [-- --only NAME … --rounds N --seed N]

  --only NAME   run this soak only; may be given more than once. There are: ${Object.keys(soaks).join(', ')}
  --rounds N    how often
  --seed N      decides every choice: the same seed does the same again. Without it a new one is taken and told`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      rounds: { type: 'string' },
      seed: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const names = values.only ?? Object.keys(soaks);
  const unknown = names.filter((name) => !Object.hasOwn(soaks, name));
  const seed = values.seed === undefined ? randomInt(1_000_000) : Number(values.seed);
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  const bad = [
    ...unknown.map((name) => `There is no soak ${name}.`),
    ...(Number.isSafeInteger(seed) ? [] : [`--seed is ${values.seed}, which is no whole number.`]),
    ...(rounds === undefined || (Number.isSafeInteger(rounds) && rounds > 0)
      ? []
      : [`--rounds is ${values.rounds}, which is no number of rounds.`]),
  ];
  if (values.help || bad.length > 0) {
    process.stderr.write(`${[...bad, ...(bad.length > 0 ? [''] : []), usage].join('\n')}\n`);
    return values.help ? 0 : 2;
  }
  Object.assign(process.env, toolVariables(await ensureToolchain({ images: true }), process.env));
  for (const name of names) {
    const soak = soaks[name]!;
    const count = rounds ?? soak.defaultRounds;
    const again = `npm run soak -- --only ${name} --seed ${seed} --rounds ${count}`;
    process.stdout.write(`${name}: ${count} rounds with seed ${seed}\n`);
    const started = Date.now();
    try {
      const say = (line: string): void => void process.stdout.write(`  ${line}\n`);
      await soak.run({ seed, rounds: count, project: `rewind-soak-${name}`, say, leaveMismatch: true });
    } catch (error) {
      const text =
        error instanceof Mismatch || !(error instanceof Error) ? String(error) : (error.stack ?? error.message);
      process.stdout.write(`\n${text}\n\nTo run it again: ${again}\n`);
      return 1;
    }
    process.stdout.write(
      `${name}: ${count} rounds, everything as it has to be (${formatDuration(Date.now() - started)})\n`,
    );
  }
  return 0;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  },
);
