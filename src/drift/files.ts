import { relative } from 'node:path';

import { type FileStore, type KeptFile } from '../store/files';
import type { Finding } from './finding';
import { plannedContainers, type Scene } from './scene';

/** Configuration files that are otherwise than the release had them: the copies that containers mount, and the originals. */
export async function fileFindings(scene: Scene, store: FileStore): Promise<Finding[]> {
  const found = await Promise.all(
    Object.entries(scene.files).map(async ([source, known]): Promise<Finding[]> => {
      const path = relative(scene.source.directory, source);
      const base = { group: groupOf(scene, source) };
      const kept = await store.find(source, known.hash, known);
      const now = await store.locate(source, { secret: known.secret }).catch(() => undefined);
      return [...(await ofCopy(store, path, known, kept, base)), ...ofOriginal(path, known, now, base)];
    }),
  );
  return found.flat();
}

type Known = Scene['files'][string];

async function ofCopy(
  store: FileStore,
  path: string,
  known: Known,
  kept: KeptFile | undefined,
  base: Pick<Finding, 'group'>,
): Promise<Finding[]> {
  if (!kept) {
    return [
      {
        ...base,
        id: `file/${path}/kept`,
        what: `copy of ${path} in the store`,
        declared: short(known.hash),
        live: 'missing',
        severity: 'broken',
        fix: 'update',
        note: 'What mounts it does not start any more. The original brings it back, if that is still the same.',
      },
    ];
  }
  const content = kept.pristine ?? kept.path;
  const now = await store.locate(content, { secret: known.secret }).catch(() => undefined);
  if (now?.hash === known.hash) return [];
  return [
    {
      ...base,
      id: `file/${path}/kept`,
      what: `copy of ${path} in the store, which containers mount`,
      declared: short(known.hash),
      live: now ? short(now.hash) : 'cannot be read',
      severity: 'changed',
      fix: 'update',
    },
  ];
}

function ofOriginal(path: string, known: Known, now: KeptFile | undefined, base: Pick<Finding, 'group'>): Finding[] {
  const finding = { ...base, id: `file/${path}`, what: `file ${path}`, severity: 'information', fix: 'adopt' } as const;
  const note = 'Containers have the copy of the release; the next deploy takes the file.';
  if (!now) return [{ ...finding, declared: short(known.hash), live: 'missing', note }];
  if (now.hash !== known.hash) return [{ ...finding, declared: short(known.hash), live: short(now.hash), note }];
  if (known.permissions === undefined || known.permissions === now.permissions) return [];
  return [{ ...finding, what: `mode of ${path}`, declared: known.permissions, live: now.permissions, note }];
}

function short(hash: string): string {
  return hash.slice(0, 'sha256:'.length + 12);
}

/** The only service that has it, or else the stack. */
function groupOf({ source: { model } }: Scene, file: string): string {
  const granted = (kind: 'configs' | 'secrets'): Set<string> =>
    new Set(Object.entries(model[kind]).flatMap(([name, it]) => (it.file === file ? [name] : [])));
  const [configs, secrets] = [granted('configs'), granted('secrets')];
  const users = Object.entries(model.services).filter(
    ([, service]) =>
      service.volumes?.some(({ source }) => source === file) ||
      service.configs?.some(({ source }) => configs.has(source)) ||
      service.secrets?.some(({ source }) => secrets.has(source)),
  );
  return users.length === 1 ? users[0]![0] : 'stack';
}

/** Contents that were copied into containers before their start: configs and secrets that are no files. */
export async function uploadFindings(scene: Scene): Promise<Finding[]> {
  const found = await Promise.all(
    plannedContainers(scene).flatMap(({ service, spec }) =>
      (spec.uploads ?? []).map(async ({ file, content }): Promise<Finding[]> => {
        const info = scene.inspected.get(spec.name);
        if (!info) return [];
        const now = await readIn(scene, info.Id, file);
        if (now === (typeof content === 'string' ? content : content.reveal())) return [];
        const short = spec.name.startsWith(`${scene.record.project}-`)
          ? spec.name.slice(scene.record.project.length + 1)
          : spec.name;
        return [
          {
            id: `container/${short}/file.${file}`,
            group: service,
            what: `${file} in ${short}`,
            declared: 'as in the compose file',
            live: now === undefined ? 'missing' : 'changed',
            severity: 'changed',
            fix: 'replace',
          },
        ];
      }),
    ),
  );
  return found.flat();
}

const tarBlock = 512;

/** A file in a container, whether or not that runs. The engine gives it as an archive with one entry. */
async function readIn({ docker }: Scene, id: string, path: string): Promise<string | undefined> {
  try {
    const stream = await docker.getContainer(id).getArchive({ path });
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const archive = Buffer.concat(chunks);
    const size = parseInt(archive.toString('ascii', 124, 135), 8);
    return archive.toString('utf8', tarBlock, tarBlock + size);
  } catch {
    return undefined;
  }
}
