import type { ComposeHealthcheck, ComposeService } from '../../compose/model';
import { durationMs, goDuration } from '../../compose/units';
import { taint } from '../../sensitive';
import { apiAtLeast, type KeyMapping, type MappingContext } from '../mapping';
import type { ContainerSpec } from '../spec';

// Docker's default: https://docs.docker.com/reference/compose-file/services/#stop_grace_period
const defaultGraceSeconds = 10;

function setRestart(value: string, spec: ContainerSpec): void {
  const [policy, retries] = value.split(':');
  spec.restart = policy!;
  if (retries !== undefined) spec.maxRetryCount = Number(retries);
}

function setHealthcheck(check: ComposeHealthcheck, spec: ContainerSpec, context: MappingContext): void {
  if (check.disable || check.test?.[0] === 'NONE') {
    spec.healthcheck = { tests: ['NONE'] };
    return;
  }
  // A check that only changes the times of the image's own is read back with the image's test.
  const test = check.test ?? context.image?.healthcheck;
  const duration = (text: string | undefined): string | undefined => {
    const ms = text === undefined ? undefined : durationMs(text);
    return ms === undefined ? undefined : goDuration(ms);
  };
  if (check.start_interval !== undefined && !apiAtLeast(context.engine, '1.44')) {
    context.refuse(
      'healthcheck.start_interval',
      `needs Docker Engine 25 or newer; this one has API ${context.engine.apiVersion}`,
      'Remove it: Rewind itself runs the check every 100 ms while a service starts.',
    );
  }
  spec.healthcheck = {
    ...(test && { tests: test.map((word) => taint(word, context.secrets)) }),
    ...(check.interval !== undefined && { interval: duration(check.interval)! }),
    ...(check.timeout !== undefined && { timeout: duration(check.timeout)! }),
    ...(check.start_period !== undefined && { startPeriod: duration(check.start_period)! }),
    ...(check.start_interval !== undefined && { startInterval: duration(check.start_interval)! }),
    ...(check.retries !== undefined && { retries: check.retries }),
  };
}

/** How long a container may take to stop, in whole seconds: the engine counts no smaller unit. */
export function graceSeconds(definition: ComposeService): number {
  const ms = definition.stop_grace_period === undefined ? undefined : durationMs(definition.stop_grace_period);
  return ms === undefined ? defaultGraceSeconds : Math.max(1, Math.ceil(ms / 1000));
}

/** Keys about starting, stopping and checking a container. */
export const lifecycleKeys: readonly KeyMapping[] = [
  { key: 'restart', support: 'carried', to: 'restart, maxRetryCount', apply: setRestart },
  {
    key: 'healthcheck',
    support: 'carried',
    to: 'healthcheck',
    note: 'also run every 100 ms until the service is ready; start_interval needs Docker Engine 25 or newer',
    apply: setHealthcheck,
  },
  {
    key: 'stop_signal',
    support: 'carried',
    to: 'stopSignal',
    apply: (value: string, spec) => void (spec.stopSignal = value),
  },
  {
    key: 'stop_grace_period',
    support: 'carried',
    to: 'stopTimeout, destroyGraceSeconds',
    note: 'rounded up to a whole second',
    apply: (_value, spec, context) => void (spec.stopTimeout = graceSeconds(context.definition)),
  },
  {
    key: 'depends_on',
    support: 'carried',
    to: 'the order of the update',
    note: 'all three conditions, `required` and `restart`',
  },
  {
    key: 'post_start',
    support: 'refused',
    to: '-',
    apply: (_value, _spec, context) => {
      context.refuse('post_start', 'is run by docker compose, not by the engine', 'Move it into the entrypoint.');
    },
  },
  {
    key: 'pre_stop',
    support: 'refused',
    to: '-',
    apply: (_value, _spec, context) => {
      context.refuse(
        'pre_stop',
        'is run by docker compose, not by the engine',
        'Let the service act on its stop signal.',
      );
    },
  },
];
