import type { KeyMapping } from '../mapping';
import { lifecycleKeys } from './lifecycle';
import { mountKeys } from './mounts';
import { networkKeys } from './network';
import { processKeys } from './process';
import { resourceKeys } from './resources';
import { securityKeys } from './security';

/** Keys that never reach a container: docker compose or the plan of the service act on them. */
export const projectKeys: readonly KeyMapping[] = [
  {
    key: 'image',
    support: 'carried',
    to: 'image',
    note: 'with rewind:tags over it; resolved to the immutable image ID',
  },
  {
    key: 'build',
    support: 'composed',
    to: 'docker compose build',
    note: 'built if the image is not there (or with pull_policy: build), then used by image ID',
  },
  {
    key: 'pull_policy',
    support: 'composed',
    to: 'the preparation of images',
    note: 'daily, weekly and every_… act like missing: an image is pulled again when its tag changes',
    apply: (value: string, _spec, context) => {
      if (!/^(daily|weekly|every_)/.test(value)) return;
      context.warn('pull_policy', `${value} acts like missing: the image is not pulled again as it gets older`);
    },
  },
  { key: 'container_name', support: 'carried', to: 'name' },
  { key: 'extends', support: 'composed', to: 'docker compose' },
  { key: 'profiles', support: 'composed', to: 'docker compose', note: 'chosen by rewind:profiles' },
  { key: 'attach', support: 'harmless', to: '-', note: 'about the output of `docker compose up`' },
  { key: 'develop', support: 'harmless', to: '-', note: 'about `docker compose watch`' },
  {
    key: 'provider',
    support: 'refused',
    to: '-',
    apply: (_value, _spec, context) => {
      context.refuse('provider', 'is not a container', 'Move the service into a compose file of its own.');
    },
  },
  {
    key: 'models',
    support: 'refused',
    to: '-',
    apply: (_value, _spec, context) => {
      context.refuse('models', 'needs the Docker Model Runner', 'Move the service into a compose file of its own.');
    },
  },
];

/** Every key of a compose service, in the order of the mapping. */
export const serviceKeys: readonly KeyMapping[] = [
  ...projectKeys,
  ...processKeys,
  ...lifecycleKeys,
  ...networkKeys,
  ...mountKeys,
  ...securityKeys,
  ...resourceKeys,
];
