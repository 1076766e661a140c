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
  if (check.start_interval !== undefined && !apiAtLeast(context.engine, '1.44')) {
    context.refuse(
      'healthcheck.start_interval',
      `needs Docker Engine 25 or newer; this one has API ${context.engine.apiVersion}`,
      'Remove it: Rewind itself runs the check every 100 ms while a service starts.',
    );
  }
  const disabled = check.disable || check.test?.[0] === 'NONE';
  // The engine fills in from the image's check whatever the container's own leaves out; so does a refresh.
  const image = context.image?.healthcheck ?? {};
  const test = disabled ? ['NONE'] : (check.test ?? image.test);
  const times = {
    interval: duration(check.interval, image.intervalMs),
    timeout: duration(check.timeout, image.timeoutMs),
    startPeriod: duration(check.start_period, image.startPeriodMs),
    startInterval: duration(check.start_interval, image.startIntervalMs),
    retries: check.retries || image.retries,
  };
  spec.healthcheck = {
    ...(test && { tests: test.map((word) => taint(word, context.secrets)) }),
    ...Object.fromEntries(Object.entries(times).filter(([, value]) => value !== undefined)),
  };
}

/** A time as the engine spells it; what is not set, or 0, is taken from the image. */
function duration(text: string | undefined, imageMs: number | undefined): string | undefined {
  const ms = (text === undefined ? undefined : durationMs(text)) || imageMs;
  return ms === undefined ? undefined : goDuration(ms);
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
    note: 'also run every 100 ms, later less often, until the service is ready; start_interval needs Docker Engine 25 or newer',
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
