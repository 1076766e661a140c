import type { Assessment } from '../../src/actions/assess-stack';
import type { Strategy } from '../../src/assess/advice';
import { releaseName } from '../../src/releases/record';

const words: Readonly<Record<Strategy, string>> = {
  nothing: 'Leave it as it is',
  watch: 'Watch it',
  restart: 'Restart in order',
  configuration: 'Restore the configuration',
  revert: 'Roll back now',
  'fix-forward': 'Mend it where it stands',
};

/** An assessment as one screen. */
export function assessmentText({ stack, release, triggers, cascades, advice, seconds }: Assessment): string {
  const head = `${stack}, ${releaseName(release)}: ${triggers.length === 0 ? 'no trigger holds' : `${counted(triggers.length)} hold${triggers.length === 1 ? 's' : ''}`} (looked at in ${seconds.toFixed(1)} s)`;
  const found = triggers.map(({ title, service, evidence, since }) => {
    const where = service === undefined ? '' : ` (${service})`;
    const when = since === undefined ? '' : `, since ${since.slice(11, 19)} UTC`;
    return `✘ ${title}${where}${when}\n    ${evidence}`;
  });
  const chains = cascades.map(
    ({ cause, followers }) =>
      `${cause} is the cause; ${followers.join(', ')} only follow${followers.length === 1 ? 's' : ''}.`,
  );
  const what = `${words[advice.strategy]}: ${advice.why}.`;
  return [
    head,
    ...found,
    ...(chains.length > 0 ? ['', ...chains] : []),
    '',
    what,
    ...(advice.command === undefined ? [] : [`  ${advice.command}`]),
  ].join('\n');
}

function counted(number: number): string {
  return number === 1 ? '1 trigger' : `${number} triggers`;
}
