import { readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';

import { composeLabel } from '../container/labels';
import { connect } from '../docker/engine';
import { type ComposeEdit, composeEdit, editedCompose, patchOf } from '../drift/compose-edit';
import { type Finding, isMeant } from '../drift/finding';
import { type Inspected, liveForm } from '../drift/live-form';
import { RewindError } from '../errors';
import { configOfDeploy } from '../releases/next-config';
import { type ConfigSection, StackConfig } from '../releases/stack-config';
import { isHarmless, revealed } from '../sensitive';
import { acceptSchemaDrift, type SchemaAccepted } from './accept-schema';
import type { Drift } from './find-drift';
import { containerOf } from './mend-engine';
import { settingsOf } from './release-side';
import type { StackContext } from './stack-context';
import { withStackLock } from './stack-lock';

/** A finding that is taken for what is to be, and where that is written down. */
export interface Accept {
  readonly finding: Finding;
  /** In words: `rewind:env.api.LOG_LEVEL in the stack configuration`. */
  readonly into: string;
}

/** What has been written down. */
export interface Accepted {
  /** Settings of the stack configuration that were changed. */
  readonly settings: readonly string[];
  /** Change of the compose files that is to be applied: `git apply`. @default there is none */
  readonly patch?: string;
  readonly schema?: SchemaAccepted;
  /** What could not be written down after all, with why. */
  readonly left: readonly { readonly finding: Finding; readonly why: string }[];
}

/**
 * What taking findings over would write, and where.
 *
 * @param named - findings as `--accept` names them. @default all that differ
 */
export function planAccept(
  { findings }: Pick<Drift, 'findings'>,
  named: readonly string[],
): { readonly accepts: Accept[]; readonly left: readonly { readonly finding: Finding; readonly why: string }[] } {
  const wanted = findings.filter((it) =>
    named.length === 0 ? it.severity !== 'information' : named.some((text) => isMeant(it, text)),
  );
  const accepts: Accept[] = [];
  const left: { finding: Finding; why: string }[] = [];
  for (const finding of wanted) {
    const into = placeOf(finding);
    if (into === undefined) left.push({ finding, why: whyNot(finding) });
    else accepts.push({ finding, into });
  }
  return { accepts, left };
}

function placeOf({ id, group, live, sql }: Finding): string | undefined {
  if (sql) return 'the catalogue of the newest release, and a migration where the stack has some';
  const property = propertyOf(id);
  if (property === undefined) return undefined;
  const variable = /^env\.([^]+)$/.exec(property)?.[1];
  if (variable !== undefined && live !== undefined) return `rewind:env.${group}.${variable}, or rewind:secrets`;
  if (property === 'image') return `rewind:tags.${group}`;
  return isOfCompose(property) ? 'the compose file' : undefined;
}

/** `env.LOG_LEVEL` of `container/api-1/env.LOG_LEVEL`. */
function propertyOf(id: string): string | undefined {
  return /^container\/[^/]+\/([^]+)$/.exec(id)?.[1];
}

function isOfCompose(property: string): boolean {
  // What the container has does not matter for whether such a thing is written.
  const nothing = { Config: {}, HostConfig: {} } as Inspected;
  return composeEdit(property, nothing) !== undefined;
}

function whyNot({ id, fix }: Finding): string {
  if (/^(compose|config|file)\//.test(id) || id.endsWith('/tag')) return 'the next deploy takes it: rewind deploy';
  if (id.startsWith('unmanaged/')) return 'declare it in the compose file, or remove it';
  if (id === 'database/revision') return 'keep it with the next deploy: rewind deploy --database=keep';
  if (fix === 'restart' || id.endsWith('/exists'))
    return 'nothing can be said to be meant to be down; take the service out of the compose file';
  return 'Rewind does not write this; change the compose file, then: rewind deploy';
}

/**
 * Takes the live system as it is for what it is to be: writes it into the stack configuration, as a change of the compose
 * files, and as the release's schema. Nothing that runs is changed.
 *
 * @throws RewindError drift/…, release/locked, database/…, store/unusable
 */
export async function acceptDrift(context: StackContext, accepts: readonly Accept[]): Promise<Accepted> {
  return withStackLock(context, 'accepting drift', async () => {
    const findings = accepts.map(({ finding }) => finding);
    const schema = findings.some(({ sql }) => sql) ? await acceptSchemaDrift(context, findings) : undefined;
    const live = await inspectedOf(context, findings);
    const settings = await writeSettings(context, findings, live);
    const { patch, left } = await composePatch(context, findings, live);
    return { settings, left, ...(patch !== '' && { patch }), ...(schema && { schema }) };
  });
}

/** The containers that findings are about, by the ID of the finding. */
async function inspectedOf(
  context: StackContext,
  findings: readonly Finding[],
): Promise<ReadonlyMap<string, Inspected>> {
  const newest = await context.releases.newest();
  const { docker } = await connect();
  const found = await Promise.all(
    findings.map(async ({ id }): Promise<[string, Inspected][]> => {
      const name = newest && containerOf(newest, id);
      if (name === undefined) return [];
      const info = await docker
        .getContainer(name)
        .inspect()
        .catch(() => undefined);
      return info ? [[id, info]] : [];
    }),
  );
  return new Map(found.flat());
}

async function writeSettings(
  context: StackContext,
  findings: readonly Finding[],
  live: ReadonlyMap<string, Inspected>,
): Promise<string[]> {
  const written: string[] = [];
  const secrets: [string, string][] = [];
  const file = await StackConfig.read(context.configFile);
  let config = file.config;
  const shown = settingsOf(config).show;
  for (const { id, group } of findings) {
    const info = live.get(id);
    const property = propertyOf(id);
    if (!info || property === undefined) continue;
    const name = /^env\.([^]+)$/.exec(property)?.[1];
    if (name !== undefined) {
      const value = liveForm(info, { logDriver: '', runtime: '', nameOf: (it) => it }).get(property);
      if (value === undefined) continue;
      const text = revealed(value);
      const isSecret = !isHarmless(name, text, shown[group]);
      if (isSecret) secrets.push([`rewind:secrets.${group}["${name}"]`, text]);
      else config = withSetting(config, ['env', group, name], text);
      written.push(`rewind:${isSecret ? 'secrets' : 'env'}.${group}.${name}`);
    }
    if (property === 'image') {
      config = withSetting(config, ['tags', group], info.Image);
      written.push(`rewind:tags.${group}`);
    }
  }
  if (config !== file.config) await file.withConfig(config).replace(context.configFile);
  for (const [path, value] of secrets) await context.engine.setSecret(path, value, context.configFile);
  return [...new Set(written)];
}

/** A configuration with a setting at a path: `['env', 'api', 'LOG_LEVEL']`. */
function withSetting(config: ConfigSection, [key, ...path]: readonly string[], value: string): ConfigSection {
  const set = (inner: unknown, [step, ...rest]: readonly string[]): unknown => {
    if (step === undefined) return value;
    const before = (inner ?? {}) as Readonly<Record<string, unknown>>;
    return { ...before, [step]: set(before[step], rest) };
  };
  const full = `rewind:${key!}`;
  return { ...config, [full]: set(config[full], path) };
}

/** The change of the compose files that says what is there. */
async function composePatch(
  context: StackContext,
  findings: readonly Finding[],
  live: ReadonlyMap<string, Inspected>,
): Promise<{ patch: string; left: Accepted['left'] }> {
  const byService = new Map<string, { edits: ComposeEdit[]; findings: Finding[] }>();
  for (const finding of findings) {
    const info = live.get(finding.id);
    const property = propertyOf(finding.id);
    if (!info || property === undefined || property === 'image') continue;
    if (property.startsWith('env.') && finding.live !== undefined) continue;
    const edit = composeEdit(property, info);
    const service = (info.Config.Labels as Record<string, string> | null)?.[composeLabel('service')] ?? finding.group;
    if (!edit) continue;
    const known = byService.get(service) ?? { edits: [], findings: [] };
    byService.set(service, { edits: [...known.edits, edit], findings: [...known.findings, finding] });
  }
  const { config } = await StackConfig.read(context.configFile);
  const paths = settingsOf(configOfDeploy(config, {})).compose.map((path) => resolve(context.directory, path));
  const texts = new Map(
    await Promise.all(paths.map(async (path): Promise<[string, string]> => [path, await textOf(path)])),
  );
  const before = new Map(texts);
  const left: { finding: Finding; why: string }[] = [];
  for (const [service, { edits, findings: its }] of byService) {
    // Later files override earlier ones.
    const changed = [...texts].reverse().flatMap(([path, text]): [string, string][] => {
      const edited = editedCompose(text, service, edits);
      return edited === undefined ? [] : [[path, edited]];
    })[0];
    if (changed) texts.set(...changed);
    else left.push(...its.map((finding) => ({ finding, why: 'no compose file has the service itself' })));
  }
  const patches = [...texts].flatMap(([path, text]) =>
    text === before.get(path) ? [] : [patchOf(relative(process.cwd(), path), before.get(path)!, text)],
  );
  return { patch: patches.join(''), left };
}

async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw new RewindError({
      code: 'drift/not-accepted',
      message: `The compose file ${path} cannot be read.`,
      fix: 'Bring it back, or set rewind:compose to where it is.',
      cause: error,
    });
  });
}
