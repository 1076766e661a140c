import type { ComposeGrant, ComposeMount } from '../../compose/model';
import { bytes } from '../../compose/units';
import { Sensitive, taint } from '../../sensitive';
import { anonymousVolumeName } from '../anonymous-volumes';
import { apiAtLeast, type KeyMapping, type MappingContext } from '../mapping';
import type { ContainerSpec } from '../spec';

type Mount = NonNullable<ContainerSpec['mounts']>[number];
type Volume = NonNullable<ContainerSpec['volumes']>[number];

function addMount(spec: ContainerSpec, mount: Mount): void {
  (spec.mounts ??= []).push(mount);
}

function addVolume(spec: ContainerSpec, volume: Volume): void {
  (spec.volumes ??= []).push(volume);
}

function setVolumes(mounts: readonly ComposeMount[], spec: ContainerSpec, context: MappingContext): void {
  for (const mount of mounts) {
    if (mount.type === 'volume') mountVolume(mount, spec, context);
    else if (mount.type === 'bind') mountBind(mount, spec, context);
    else if (mount.type === 'tmpfs') mountTmpfs(mount, spec);
    else {
      context.refuse(
        'volumes',
        `mounts ${mount.target} with type ${mount.type}`,
        'The Docker provider knows bind, volume and tmpfs.',
      );
    }
  }
}

function mountVolume(mount: ComposeMount, spec: ContainerSpec, context: MappingContext): void {
  const { nocopy, subpath } = mount.volume ?? {};
  const options = { ...(nocopy && { noCopy: true }), ...(subpath !== undefined && { subpath }) };
  if (Object.keys(options).length > 0 && !apiAtLeast(context.engine, '1.45')) {
    context.refuse(
      'volumes',
      `mounts ${mount.target} with ${nocopy ? 'nocopy' : 'subpath'}, which the provider supports from Docker Engine 26 on`,
      `Remove it from services.${context.service}.volumes, or use a newer engine (this one has API ${context.engine.apiVersion}).`,
    );
  }
  addMount(spec, {
    type: 'volume',
    source: mount.source
      ? (context.model.volumes[mount.source]?.name ?? mount.source)
      : anonymousVolumeName(context.containerName, mount.target),
    target: mount.target,
    readOnly: mount.read_only ?? false,
    ...(Object.keys(options).length > 0 && { volumeOptions: options }),
  });
}

function mountBind(mount: ComposeMount, spec: ContainerSpec, context: MappingContext): void {
  const { propagation, selinux, recursive, create_host_path: create = true } = mount.bind ?? {};
  if (recursive !== undefined && recursive !== 'enabled') {
    context.refuse('volumes', `mounts ${mount.target} with bind.recursive: ${recursive}`, 'Remove bind.recursive.');
  }
  const kept = mount.source === undefined ? undefined : context.kept.get(mount.source);
  const source = kept?.path ?? mount.source;
  const readOnly = mount.read_only ?? false;
  if (selinux !== undefined) {
    addVolume(spec, { hostPath: source!, containerPath: mount.target, readOnly, selinuxRelabel: selinux });
  } else if (kept || propagation !== undefined || !create) {
    addMount(spec, {
      type: 'bind',
      source: source!,
      target: mount.target,
      readOnly,
      ...(propagation !== undefined && { bindOptions: { propagation } }),
    });
  } else {
    // This form lets the engine create the folder on the host, as compose's short syntax asks for.
    addVolume(spec, { hostPath: source!, containerPath: mount.target, readOnly });
  }
}

function mountTmpfs(mount: ComposeMount, spec: ContainerSpec): void {
  const size = mount.tmpfs?.size === undefined ? undefined : bytes(mount.tmpfs.size);
  const mode = mount.tmpfs?.mode;
  addMount(spec, {
    type: 'tmpfs',
    target: mount.target,
    ...(mount.read_only && { readOnly: true }),
    ...((size !== undefined || mode !== undefined) && {
      tmpfsOptions: { ...(size !== undefined && { sizeBytes: size }), ...(mode !== undefined && { mode }) },
    }),
  });
}

function setTmpfs(entries: readonly string[], spec: ContainerSpec): void {
  spec.tmpfs = Object.fromEntries(
    entries.map((entry) => {
      const at = entry.indexOf(':');
      return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

/** Gives the container a config or secret: a file is mounted, other content is copied in before the start. */
function grant(kind: 'configs' | 'secrets', use: ComposeGrant, spec: ContainerSpec, context: MappingContext): void {
  const object = context.model[kind][use.source];
  const where = `${kind}.${use.source}`;
  if (!object || object.external || object.driver !== undefined || object.template_driver !== undefined) {
    context.refuse(where, 'is external, which needs a Swarm', 'Take it from a file, the environment or content.');
    return;
  }
  const given = use.target ?? (kind === 'secrets' ? use.source : `/${use.source}`);
  const target = given.startsWith('/') ? given : kind === 'secrets' ? `/run/secrets/${given}` : `/${given}`;
  if (object.file !== undefined) {
    // Like docker compose, which cannot change the owner or mode of a file it mounts.
    const ignored = (['uid', 'gid', 'mode'] as const).filter((field) => use[field] !== undefined);
    if (ignored.length > 0) context.warn(where, `${ignored.join(', ')} has no effect on a file that is mounted`);
    addMount(spec, {
      type: 'bind',
      source: context.kept.get(object.file)?.path ?? object.file,
      target,
      readOnly: true,
    });
    return;
  }
  // docker compose prints empty content as none.
  const content = object.environment === undefined ? (object.content ?? '') : context.environment[object.environment];
  if (content === undefined) {
    context.refuse(
      where,
      `takes its content from the variable ${object.environment}, which has no value`,
      `Set ${object.environment} in the environment or in an env file.`,
      'compose/unset-variable',
    );
    return;
  }
  if (context.definition.read_only) {
    context.refuse(
      where,
      'cannot be copied into a service with a read-only root',
      'Take it from a file (file: …), which is mounted.',
    );
    return;
  }
  if (content === '') {
    context.refuse(where, 'is empty', 'Give it content, or take it from a file.');
    return;
  }
  (spec.uploads ??= []).push({
    file: target,
    content: kind === 'secrets' ? new Sensitive(content) : taint(content, context.secrets),
    permissions: use.mode === undefined ? '0444' : use.mode.padStart(4, '0'),
    ...(use.uid !== undefined && { owner: use.uid }),
    ...(use.gid !== undefined && { group: use.gid }),
  });
}

function grantAll(kind: 'configs' | 'secrets'): KeyMapping['apply'] {
  return (uses: readonly ComposeGrant[], spec, context) => {
    for (const use of uses) grant(kind, use, spec, context);
  };
}

/** Keys about files in the container. */
export const mountKeys: readonly KeyMapping[] = [
  {
    key: 'volumes',
    support: 'partly',
    to: 'mounts, volumes',
    note: 'configuration files are mounted from the store; anonymous volumes get a lasting name; nocopy and subpath need Docker Engine 26 or newer; bind.recursive, npipe, cluster and image mounts are refused',
    apply: setVolumes,
  },
  {
    key: 'volumes_from',
    support: 'carried',
    to: 'volumes.fromContainer',
    apply(value: readonly string[], spec, context) {
      for (const entry of value) {
        const [source, mode] = entry.replace(/^container:/, '').split(':');
        const fromContainer = entry.startsWith('container:') ? source! : `${context.model.name}-${source}-1`;
        addVolume(spec, { fromContainer: mode === 'ro' ? `${fromContainer}:ro` : fromContainer });
      }
    },
  },
  { key: 'tmpfs', support: 'carried', to: 'tmpfs', apply: setTmpfs },
  {
    key: 'configs',
    support: 'partly',
    to: 'mounts, uploads',
    note: 'from a file, the environment or content; external configs need a Swarm and are refused',
    apply: grantAll('configs'),
  },
  {
    key: 'secrets',
    support: 'partly',
    to: 'mounts, uploads',
    note: 'from a file or the environment; external secrets need a Swarm and are refused',
    apply: grantAll('secrets'),
  },
];
