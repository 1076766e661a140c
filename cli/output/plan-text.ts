import type { PlannedService, ReleasePlan } from '../../src/actions/plan-release';
import type { Difference } from '../../src/releases/compare';
import { releaseName, type ReleasedService } from '../../src/releases/record';
import { formatDuration } from '../../toolchain/step-output';
import { localTime } from './columns';

const verbs: Readonly<Record<PlannedService['action'], string>> = {
  replace: 'is replaced',
  start: 'is started',
  stop: 'is stopped and removed',
  update: 'goes on running',
};

/** A plan as text for people. */
export function planText(plan: ReleasePlan): string {
  const { from, to, only } = plan;
  const nothing = plan.services.length + plan.files.length + plan.others.length === 0 && plan.data === undefined;
  const sections = [
    `Going back from ${releaseName(from.number)} to ${only === undefined ? '' : `the ${only} of `}${releaseName(to.number)} (${localTime(new Date(to.startedAt))}, ${to.by}${to.message === undefined ? '' : `: ${to.message}`})`,
    ...(nothing ? ['It changes nothing: that is what runs.'] : []),
    ...plan.services.map(serviceText),
    ...plan.files.map(
      ({ path, diff }) => `file ${path}${diff.includes('\n') ? `\n${indented(diff.trimEnd())}` : `: ${diff}`}`,
    ),
    ...(plan.others.length > 0 ? [`Also changed: ${plan.others.join(', ')}`] : []),
    ...(plan.data === undefined ? [] : [plan.data]),
    ...(plan.notInFiles.length > 0
      ? [
          `The compose file stays as it is. It differs from ${releaseName(to.number)} in what follows; the next rewind deploy brings that back:\n${indented(plan.notInFiles.join('\n'))}`,
        ]
      : []),
    ...(plan.obstacles.length > 0
      ? [
          `This release cannot be brought back as it is:\n${indented(plan.obstacles.map(({ message, fix }) => `${message}\n  → ${fix}`).join('\n'))}`,
        ]
      : []),
    ...(plan.seconds === undefined || nothing
      ? []
      : [`It takes about ${formatDuration(plan.seconds * 1000)}, as it did before.`]),
  ];
  return sections.join('\n\n');
}

function serviceText({ service, action, image, environment, keys }: PlannedService): string {
  const lines = [
    ...(image ? imageLines(image) : []),
    ...environment.map((it) => `env ${changeText(it)}`),
    ...keys.map(changeText),
  ];
  return [`service ${service} ${verbs[action]}`, ...lines.map((line) => `    ${line}`)].join('\n');
}

function imageLines({ from, to }: NonNullable<PlannedService['image']>): string[] {
  const now = from === undefined ? [] : [`- image ${imageText(from)}`];
  return [...now, ...(to === undefined ? [] : [`+ image ${imageText(to)}`])];
}

function imageText({ image, imageId, builtAt }: ReleasedService): string {
  const built = builtAt === undefined ? '' : `, built ${localTime(new Date(builtAt))}`;
  return `${image} (${imageId.slice(0, 'sha256:'.length + 12)}${built})`;
}

function changeText({ key, from, to }: Difference): string {
  if (from === undefined) return `+ ${key}=${to ?? ''}`;
  return to === undefined ? `- ${key} (was ${from})` : `~ ${key}: ${from} → ${to}`;
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '    ');
}
