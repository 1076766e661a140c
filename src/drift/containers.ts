import { composeLabel, stackLabel } from '../container/labels';
import { hasEndedAsJob } from '../docker/ended';
import { localImageId } from '../docker/images';
import { nameOf } from '../docker/inventory';
import { shortId } from '../docker/short-id';
import { revealed, type Text } from '../sensitive';
import { declaredForm } from './declared-form';
import type { Origin } from './events';
import type { Finding, Fix, Severity } from './finding';
import type { Form } from './form';
import { type Inspected, liveForm } from './live-form';
import { idInState, type PlannedContainer, plannedContainers, type Scene, shortName } from './scene';
import { shown } from './shown';

/** Containers that are not there, do not run, or are otherwise than they were declared. */
export function containerFindings(scene: Scene): Finding[] {
  const forms = declaredForms(scene);
  return plannedContainers(scene).flatMap((planned) => {
    const info = scene.inspected.get(planned.spec.name);
    // Whoever is at work on the stack may be about to replace any of them.
    if (scene.isUnderWay) return info ? identity(scene, planned, info) : [];
    if (!info) return [missing(scene, planned)];
    return [
      ...identity(scene, planned, info),
      ...condition(scene, planned, info),
      ...properties(scene, planned, forms.get(planned.spec.name)!, info),
    ];
  });
}

function declaredForms(scene: Scene): Map<string, Form> {
  const forms = new Map<string, Form>();
  const planned = new Map(plannedContainers(scene).map((it) => [it.spec.name, it]));
  const firstOf = (service: string): string =>
    scene.plans.find((plan) => plan.service === service)?.containers[0]?.name ?? service;
  const formOf = (name: string): Form | undefined => {
    const it = planned.get(name);
    if (!it || forms.has(name)) return forms.get(name);
    const form = declaredForm({
      spec: it.spec,
      limits: it.plan.limits,
      image: scene.images.get(it.spec.image ?? ''),
      defaults: scene.defaults,
      nameOf: firstOf,
      mountsOf: (other) => mountsIn(formOf(other) ?? liveOf(scene, other)),
    });
    forms.set(name, form);
    return form;
  };
  for (const name of planned.keys()) formOf(name);
  return forms;
}

function liveOf(scene: Scene, name: string): Form {
  const info = scene.inspected.get(name);
  return info ? liveForm(info, scene.defaults) : new Map();
}

function mountsIn(form: Form): [string, Text][] {
  return [...form].filter(([path]) => path.startsWith('mount.'));
}

function idOf(scene: Scene, name: string, what: string): string {
  return `container/${shortName(scene, name)}/${what}`;
}

function missing(scene: Scene, { service, plan, spec }: PlannedContainer): Finding {
  return {
    id: idOf(scene, spec.name, 'exists'),
    group: service,
    what: `container ${spec.name}`,
    declared: plan.oneShot ? 'there' : 'running',
    live: 'missing',
    ...scene.events.ofContainer(spec.name, ['destroy', 'rename']),
    // What has done its work is missed by nobody.
    severity: plan.oneShot ? 'changed' : 'broken',
    fix: 'update',
  };
}

/** Whether it is the container that the last update made. */
function identity(scene: Scene, { service, spec }: PlannedContainer, info: Inspected): Finding[] {
  const labels = (info.Config.Labels as Record<string, string> | null) ?? {};
  const made = idInState(scene, 'container', spec.name);
  const isOurs = labels[stackLabel] === scene.stack;
  if (isOurs && (made === undefined || made === info.Id || scene.isUnderWay)) return [];
  const project = labels[composeLabel('project')];
  const maker = isOurs
    ? 'it carries the label of this stack'
    : project === undefined
      ? 'made by hand'
      : `made by docker compose (project ${project})`;
  return [
    {
      id: idOf(scene, spec.name, 'identity'),
      group: service,
      what: `container ${spec.name} was replaced`,
      declared: made === undefined ? 'made by this stack' : shortId(made),
      live: `${shortId(info.Id)}, ${maker}`,
      since: new Date(info.Created).toISOString(),
      severity: 'changed',
      fix: 'replace',
    },
  ];
}

/** Whether it runs, and is well. */
function condition(scene: Scene, { service, plan, spec }: PlannedContainer, info: Inspected): Finding[] {
  const { State: state } = info;
  const finding = (what: string, declared: string, live: string, severity: Severity, origin: Origin): Finding[] => [
    {
      id: idOf(scene, spec.name, what),
      group: service,
      what: what === 'state' ? `container ${spec.name}` : `health of ${spec.name}`,
      declared,
      live,
      ...origin,
      severity,
      fix: 'restart',
    },
  ];
  if (plan.oneShot) {
    if (state.Running || scene.isUnderWay) return [];
    if (hasEndedAsJob(info, true)) return [];
    return finding(
      'state',
      'ended with 0',
      state.Status === 'exited' ? `ended with ${state.ExitCode}` : state.Status,
      'broken',
      endOf(info),
    );
  }
  const status = state.Paused ? 'paused' : state.Restarting ? 'restarting' : state.Running ? 'running' : state.Status;
  if (status !== 'running') {
    if (hasDoneItsWork(scene, spec.name, info)) return [];
    const loops = info.RestartCount > 0 && status === 'restarting' ? `, ${info.RestartCount} times` : '';
    const live = ['exited', 'restarting'].includes(status) ? `${status} with ${state.ExitCode}${loops}` : status;
    const told = scene.events.ofContainer(spec.name, status === 'paused' ? ['pause'] : ['stop', 'oom', 'kill', 'die']);
    return finding('state', 'running', live, 'broken', { ...endOf(info), ...told });
  }
  if (state.Health?.Status === 'unhealthy') {
    const since = state.Health.Log.at(-state.Health.FailingStreak)?.Start ?? state.Health.Log[0]?.Start;
    const origin = since === undefined ? {} : { since: new Date(since).toISOString() };
    return finding('health', 'healthy', `unhealthy, ${state.Health.FailingStreak} checks in a row`, 'broken', origin);
  }
  return [];
}

/** Whether what has ended was to end, although nothing waits for it: so it looks, and the engine knows of nobody who has stopped it. */
function hasDoneItsWork({ events }: Scene, name: string, info: Inspected): boolean {
  if (!hasEndedAsJob(info)) return false;
  const started = new Date(info.State.StartedAt);
  return (
    events.latest('container', ['kill', 'stop'], (it) => it.attributes['name'] === name && it.at > started).since ===
    undefined
  );
}

function endOf({ State: state }: Inspected): Origin {
  const at = new Date(state.FinishedAt);
  if (Number.isNaN(at.getTime()) || at.getTime() <= 0) return {};
  return { since: at.toISOString(), ...(state.OOMKilled && { by: 'out of memory' }) };
}

/** Compared only where it is declared: what an engine does otherwise depends on how it is set up. */
const onlyIfDeclared = /^(cgroup namespace|log driver)$/;

/** Discarded by an engine whose kernel does not have it. */
const mayBeDiscarded = /^limit\.block weight$/;

/** What an image brings along: of one that is gone, nobody knows what it was. */
const broughtByImage =
  /^(env\.|label\.|healthcheck\.|mount\.|entrypoint$|command$|user$|working directory$|stop signal$)/;

function properties(scene: Scene, planned: PlannedContainer, declared: Form, info: Inspected): Finding[] {
  const { service, spec } = planned;
  const live = liveForm(info, scene.defaults);
  const isForeign = (info.Config.Labels as Record<string, string> | null)?.[stackLabel] !== scene.stack;
  const imageKnown = scene.images.has(spec.image ?? '');
  const paths = [...new Set([...declared.keys(), ...live.keys()])].filter((path) => {
    const [before, now] = [declared.get(path), live.get(path)];
    if (before !== undefined && now !== undefined) return revealed(before) !== revealed(now);
    if (before === undefined && onlyIfDeclared.test(path)) return false;
    if (now === undefined && mayBeDiscarded.test(path)) return false;
    return before !== undefined || imageKnown || !broughtByImage.test(path);
  });
  return (
    paths
      .filter((path) => !(isForeign && /^label\.(com\.docker\.compose|dev\.rewind)\./.test(path)))
      // Another limit of memory brings another one of memory with swap: it is said once.
      .filter((path) => !(path === 'limit.memory and swap' && paths.includes('limit.memory')))
      .map((path) => {
        const { what, severity, fix } = kindOf(path);
        const [before, now] = [declared, live].map((form) =>
          path === 'image'
            ? imageText(scene, service, form.get(path), info)
            : shown(scene, service, path, form.get(path)),
        );
        const id = idOf(scene, spec.name, path.replaceAll(' ', '-'));
        return {
          id,
          group: service,
          what: `${what} of ${shortName(scene, spec.name)}`,
          ...(before !== undefined && { declared: before }),
          ...(now !== undefined && { live: now }),
          ...originOf(scene, spec.name, path, info),
          severity,
          fix,
          ...(path === 'image' && imageNote(scene, info)),
        };
      })
  );
}

/** An image by the name that the release or the container has for it; else by any. */
function imageText(
  { inventory, record }: Scene,
  service: string,
  id: Text | undefined,
  { Config: config }: Inspected,
): string | undefined {
  if (id === undefined) return undefined;
  const text = revealed(id);
  const released = record.services[service];
  const names = [
    ...(released?.imageId === text ? [released.image] : []),
    ...(localImageId(inventory, config.Image) === text ? [config.Image] : []),
    ...[...inventory.images].flatMap(([name, it]) => (it === text && !name.includes('@') ? [name] : [])),
  ];
  const named = names.find((name) => !/^sha256:|^rewind\.invalid\//.test(name));
  return named === undefined ? shortId(text) : `${named} (${shortId(text)})`;
}

function imageNote({ inventory }: Scene, { Image: id }: Inspected): { note?: string } {
  return inventory.images.has(id) ? {} : { note: 'the image that runs has no name any more' };
}

interface Kind {
  readonly what: string;
  readonly severity: Severity;
  readonly fix: Fix;
}

const kinds: readonly (readonly [RegExp, (key: string) => string, Severity, Fix])[] = [
  [/^env\.([^]+)$/, (key) => `environment variable ${key}`, 'changed', 'replace'],
  [/^label\.([^]+)$/, (key) => `label ${key}`, 'changed', 'replace'],
  [/^mount\.([^]+)$/, (key) => `mount at ${key}`, 'changed', 'replace'],
  [/^tmpfs\.([^]+)$/, (key) => `mount in memory at ${key}`, 'changed', 'replace'],
  [/^port\.([^]+)$/, (key) => `published port ${key}`, 'broken', 'replace'],
  [/^network\.([^]+)$/, (key) => `network ${key}`, 'broken', 'replace'],
  [/^device\.([^]+)$/, (key) => `device ${key}`, 'changed', 'replace'],
  [/^ulimit\.([^]+)$/, (key) => `ulimit ${key}`, 'changed', 'replace'],
  [/^sysctl\.([^]+)$/, (key) => `sysctl ${key}`, 'changed', 'replace'],
  [/^log option\.([^]+)$/, (key) => `log option ${key}`, 'changed', 'replace'],
  [/^healthcheck\.([^]+)$/, (key) => `${key} of the health check`, 'changed', 'replace'],
  [/^limit\.(shared memory)$/, (key) => `limit of ${key}`, 'changed', 'replace'],
  [/^limit\.([^]+)$/, (key) => `limit of ${key}`, 'changed', 'update'],
  [/^restart policy$/, () => 'restart policy', 'changed', 'update'],
];

function kindOf(path: string): Kind {
  for (const [pattern, name, severity, fix] of kinds) {
    const match = pattern.exec(path);
    if (match) return { what: name(match[1] ?? path), severity, fix };
  }
  return { what: path, severity: 'changed', fix: 'replace' };
}

/** Since when a property is so: what cannot be changed on a container has been so since that was made. */
function originOf({ events, state }: Scene, name: string, path: string, info: Inspected): Origin {
  const network = /^network\.([^]+)$/.exec(path)?.[1];
  if (network !== undefined) {
    const told = events.latest(
      'network',
      ['connect', 'disconnect'],
      ({ attributes }) => attributes['name'] === network && attributes['container'] === info.Id,
    );
    if (told.since !== undefined) return told;
  }
  if (/^limit\.|^restart policy$/.test(path)) {
    const told = events.ofContainer(name, ['update']);
    if (told.since !== undefined) return told;
  }
  const made = state?.resources.find((resource) => resource.name === name && resource.id === info.Id);
  return made ? {} : { since: new Date(info.Created).toISOString() };
}

/** Names of containers that were set aside for one of the release. */
const asideName = /-aside-\d+$/;

/** Containers of the compose project that the release does not know. */
export function strangeContainers(scene: Scene): Finding[] {
  const planned = new Set(plannedContainers(scene).map(({ spec }) => spec.name));
  return scene.inventory.containers
    .filter(
      (it) => it.Labels[composeLabel('project')] === scene.record.project || it.Labels[stackLabel] === scene.stack,
    )
    .filter((it) => !planned.has(nameOf(it)) && !(scene.isUnderWay && it.Labels[stackLabel] === scene.stack))
    .map((it) => {
      const name = nameOf(it);
      const isOneOff = it.Labels[composeLabel('oneoff')] === 'True';
      const isAside = asideName.test(name);
      const wasReleased = it.Labels[stackLabel] === scene.stack;
      return {
        id: `unmanaged/container/${name}`,
        group: it.Labels[composeLabel('service')] ?? 'stack',
        what: `container ${name}`,
        live: `${it.State}, ${isOneOff ? 'of docker compose run' : wasReleased ? 'left behind by this stack' : 'made by hand or by docker compose'}`,
        since: new Date(it.Created * 1000).toISOString(),
        severity: isOneOff || isAside ? ('information' as const) : ('changed' as const),
        fix: 'none' as const,
        note: `Remove it: docker rm --force ${name}. Or declare it in the compose file.`,
      };
    });
}
