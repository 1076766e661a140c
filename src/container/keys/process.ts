import { isHarmless, Sensitive, taint, type Text } from '../../sensitive';
import type { KeyMapping, MappingContext } from '../mapping';
import type { ContainerSpec } from '../spec';

function words(key: string, value: readonly string[], context: MappingContext): Text[] {
  if (value.length === 0) {
    context.refuse(key, 'is empty, which is to clear what the image has', 'Name the command to run instead.');
  }
  return value.map((word) => taint(word, context.secrets));
}

/** What a command is added to: the service's own entrypoint (mapped before its command), else the image's. */
function entrypointOf(spec: ContainerSpec, context: MappingContext): readonly Text[] {
  return spec.entrypoints ?? context.image?.entrypoint ?? [];
}

/** Keys about the process in the container. */
export const processKeys: readonly KeyMapping[] = [
  {
    key: 'entrypoint',
    support: 'partly',
    to: 'entrypoints',
    note: 'an empty list is refused',
    apply(value: readonly string[] | null, spec, context) {
      if (value) spec.entrypoints = words('entrypoint', value, context);
    },
  },
  {
    key: 'command',
    support: 'partly',
    to: 'command',
    note: 'an empty list is refused; a command with an empty word stands behind the entrypoint, where the provider takes it',
    apply(value: readonly string[] | null, spec, context) {
      if (!value) return;
      if (value.includes('')) spec.entrypoints = [...entrypointOf(spec, context), ...words('command', value, context)];
      else spec.command = words('command', value, context);
    },
  },
  {
    key: 'environment',
    support: 'carried',
    to: 'envs',
    note: 'with env_file, rewind:env and rewind:secrets merged in; a value is masked unless its key is plainly harmless',
    apply(value: Readonly<Record<string, string | null>>, spec, context) {
      if (Object.keys(value).length === 0) return;
      spec.envs = Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, text]) => {
          // A key without a value takes the variable away that the image sets.
          if (text === null) return key;
          const shown = !context.hidden.includes(key) && isHarmless(key, text, context.shown);
          return shown ? taint(`${key}=${text}`, context.secrets) : new Sensitive(`${key}=${text}`);
        });
    },
  },
  { key: 'env_file', support: 'composed', to: 'docker compose', note: 'read into environment' },
  { key: 'user', support: 'carried', to: 'user', apply: (value: string, spec) => void (spec.user = value) },
  {
    key: 'working_dir',
    support: 'carried',
    to: 'workingDir',
    apply: (value: string, spec) => void (spec.workingDir = value),
  },
  { key: 'hostname', support: 'carried', to: 'hostname', apply: (value: string, spec) => void (spec.hostname = value) },
  {
    key: 'domainname',
    support: 'carried',
    to: 'domainname',
    apply: (value: string, spec) => void (spec.domainname = value),
  },
  { key: 'tty', support: 'carried', to: 'tty', apply: (value: boolean, spec) => void (spec.tty = value) },
  {
    key: 'stdin_open',
    support: 'carried',
    to: 'stdinOpen',
    apply: (value: boolean, spec) => void (spec.stdinOpen = value),
  },
  { key: 'init', support: 'carried', to: 'init', apply: (value: boolean, spec) => void (spec.init = value) },
  {
    key: 'platform',
    support: 'carried',
    to: 'platform',
    apply(value: string, spec, context) {
      // The engine reads every platform back as its operating system alone.
      context.readBackDiffers.add('platform');
      if (value !== context.engine.platform) spec.platform = value;
    },
  },
  { key: 'runtime', support: 'carried', to: 'runtime', apply: (value: string, spec) => void (spec.runtime = value) },
  {
    key: 'labels',
    support: 'carried',
    to: 'labels',
    apply(value: Readonly<Record<string, string>>, spec, context) {
      const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
      for (const [label, text] of sorted) spec.labels.push({ label, value: taint(text, context.secrets) });
    },
  },
  { key: 'label_file', support: 'composed', to: 'docker compose', note: 'read into labels' },
  {
    key: 'annotations',
    support: 'refused',
    to: '-',
    apply: (_value, _spec, context) => {
      context.refuse('annotations', 'has no counterpart in the Docker provider', 'Use labels.');
    },
  },
];
