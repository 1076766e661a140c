import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import {
  containerIds,
  engine,
  execIn,
  inspectContainer,
  inspectContainers,
  inspectNetworks,
  inspectVolumes,
} from '../support/docker';
import { boxImages, makeBoxImages } from '../support/images';
import { TestStack } from '../support/stack';

const image = boxImages.plain;

beforeAll(makeBoxImages);

describe('what docker compose has left of a project', () => {
  const project = 'rewind-fixture-adopted';
  const container = `${project}-store-1`;
  const volume = `${project}_data`;
  const front = `${project}_front`;
  let stack: TestStack;

  const composeFile = (networks: object, volumes: object = { data: null }): object => ({
    services: { store: { image, volumes: ['data:/data'], networks: ['front', 'default'] }, other: { image } },
    networks: { front: networks },
    volumes,
  });
  const data = (): Promise<string> => execIn(container, 'cat', '/data/note');
  const networkId = async (name: string): Promise<string> => (await inspectNetworks(project))[name]!.Id;
  const networksOf = async (name: string): Promise<string[]> =>
    Object.keys((await inspectContainer(name)).NetworkSettings.Networks).sort();

  beforeAll(async () => {
    stack = await TestStack.create(project);
    await stack.write('compose.yaml', composeFile({ labels: { 'org.example.zone': 'front' } }));
    await stack.composeWithFiles('up', '--detach');
    await execIn(container, 'sh', '-c', 'echo kept > /data/note');
  });

  afterAll(() => stack.remove());

  test('is asked for, as long as its containers run: they belong to docker compose', async () => {
    const { ok, output } = await stack.tryPreview();
    expect(ok).toBe(false);
    expect(output).toContain(`A container named ${container} is there already; it was made by docker compose`);
    expect(output).toContain('[docker/foreign-container]');
  });

  test('is adopted: the same networks, the same volume with its data and labels', async () => {
    const [networks, volumes] = [await inspectNetworks(project), await inspectVolumes(project)];
    await stack.composeWithFiles('rm', '--stop', '--force');
    await stack.up();
    expect(await inspectVolumes(project)).toEqual(volumes);
    expect(Object.values(await inspectNetworks(project)).map(({ Id }) => Id)).toEqual(
      Object.values(networks).map(({ Id }) => Id),
    );
    expect(await data()).toBe('kept');
  });

  test('shows no change in a refresh, nor in the updates after it', async () => {
    await stack.refresh('--expect-no-changes');
    await stack.preview('--expect-no-changes');
    const before = await containerIds(project);
    await stack.up();
    expect(await containerIds(project)).toEqual(before);
  });

  test('heals when somebody makes a network anew under the same name', async () => {
    const docker = await engine();
    await docker.getNetwork(front).disconnect({ Container: container });
    await docker.getNetwork(front).remove();
    const labels = {
      'com.docker.compose.project': project,
      'com.docker.compose.network': 'front',
      'org.example.zone': 'front',
    };
    const { id } = await docker.createNetwork({ Name: front, Labels: labels });
    const before = await containerIds(project);
    await stack.up();
    const after = await containerIds(project);
    expect(await networkId(front)).toBe(id);
    expect(await networksOf(container)).toEqual([`${project}_default`, front]);
    expect(after[`${project}-other-1`]).toBe(before[`${project}-other-1`]);
    expect(await data()).toBe('kept');
    await stack.preview('--refresh', '--expect-no-changes');
  });

  test('is replaced with its containers, and no others, when its subnet changes', async () => {
    await stack.write('compose.yaml', composeFile({ ipam: { config: [{ subnet: '10.98.4.0/24' }] } }));
    const before = await containerIds(project);
    await stack.up();
    const after = await containerIds(project);
    expect((await inspectNetworks(project))[front]!.IPAM!.Config).toEqual([{ Subnet: '10.98.4.0/24' }]);
    expect((await inspectContainer(container)).NetworkSettings.Networks[front]!.IPAddress).toMatch(/^10\.98\.4\./);
    expect(after[container]).not.toBe(before[container]);
    expect(after[`${project}-other-1`]).toBe(before[`${project}-other-1`]);
    expect(await data()).toBe('kept');
    await stack.preview('--refresh', '--expect-no-changes');
  });

  test('changes its subnet a second time', async () => {
    await stack.write('compose.yaml', composeFile({ ipam: { config: [{ subnet: '10.98.5.0/24' }] } }));
    await stack.up();
    expect((await inspectNetworks(project))[front]!.IPAM!.Config).toEqual([{ Subnet: '10.98.5.0/24' }]);
    expect(await data()).toBe('kept');
  });

  test('keeps a volume whose options change in the file, and says that they do not take effect', async () => {
    const options = { type: 'tmpfs', device: 'tmpfs', o: 'size=8m' };
    await stack.write('compose.yaml', composeFile({}, { data: { driver_opts: options } }));
    const output = await stack.up();
    expect(output).toContain(`the volume ${volume} has another driver_opts than the file`);
    expect(await data()).toBe('kept');
  });

  test('keeps a volume that no service mounts any more, and gives it back', async () => {
    await stack.write('compose.yaml', { services: { other: { image } } });
    await stack.up();
    expect(Object.keys(await inspectContainers(project))).toEqual([`${project}-other-1`]);
    expect(Object.keys(await inspectVolumes(project))).toContain(volume);
    await stack.write('compose.yaml', composeFile({}));
    await stack.up();
    expect(await data()).toBe('kept');
  });

  test('keeps its volumes when the stack is destroyed, and nothing else', async () => {
    await stack.destroy();
    expect(await inspectContainers(project)).toEqual({});
    expect(await inspectNetworks(project)).toEqual({});
    expect(Object.keys(await inspectVolumes(project))).toEqual([volume]);
    await stack.up();
    expect(await data()).toBe('kept');
  });
});

describe('a network of the same name that is not of the project', () => {
  const project = 'rewind-fixture-foreign';

  test('is left alone, and the file can take it as external', async () => {
    const docker = await engine();
    const stack = await TestStack.create(project);
    const theirs = await docker.createNetwork({ Name: `${project}_default` });
    try {
      await stack.write('compose.yaml', { services: { store: { image } } });
      const { ok, output } = await stack.tryPreview();
      expect(ok).toBe(false);
      expect(output).toContain(`A network named ${project}_default`);
      expect(output).toContain('[docker/foreign-network]');
      await stack.write('compose.yaml', {
        services: { store: { image } },
        networks: { default: { external: true, name: `${project}_default` } },
      });
      await stack.up();
      await stack.destroy();
      expect(((await theirs.inspect()) as { Id: string }).Id).toBe(theirs.id);
    } finally {
      await stack.remove();
      await theirs.remove();
    }
  });
});

describe('a refresh', () => {
  const project = 'rewind-fixture-drift';
  let stack: TestStack;

  beforeAll(async () => {
    stack = await TestStack.create(project);
    await stack.write('compose.yaml', {
      services: {
        stopped: { image, ports: ['21310:80'] },
        removed: { image, volumes: ['/data'] },
        limited: { image, mem_limit: '64m' },
        source: { image, volumes: ['/shared'] },
        user: { image, volumes_from: ['source'] },
        steady: { image },
      },
    });
    await stack.up();
  });

  afterAll(() => stack.remove());

  test('finds what was changed by hand, and the update after it puts just that right', async () => {
    const docker = await engine();
    await execIn(`${project}-removed-1`, 'sh', '-c', 'echo kept > /data/note');
    const before = await containerIds(project);
    await docker.getContainer(`${project}-stopped-1`).stop();
    await docker.getContainer(`${project}-removed-1`).remove({ force: true });
    const megabytes = 1024 * 1024;
    await docker.getContainer(`${project}-limited-1`).update({ Memory: 100 * megabytes, MemorySwap: 200 * megabytes });

    expect(await stack.plannedSteps('--refresh')).toEqual({
      [`${project}-stopped-1`]: 'update',
      [`${project}-removed-1`]: 'create',
      [`${project}-limited-1`]: 'update',
    });
    await stack.up('--refresh');
    const after = await containerIds(project);
    expect({ ...after, [`${project}-removed-1`]: '' }).toEqual({ ...before, [`${project}-removed-1`]: '' });
    expect((await inspectContainer(`${project}-stopped-1`)).State.Running).toBe(true);
    expect((await inspectContainer(`${project}-limited-1`)).HostConfig.Memory).toBe(64 * megabytes);
    // An anonymous volume outlives its container, as its name is a lasting one.
    expect(await execIn(`${project}-removed-1`, 'cat', '/data/note')).toBe('kept');
    await stack.preview('--refresh', '--expect-no-changes');
  });

  test('a container that mounts the volumes of another one goes with it', async () => {
    const before = await containerIds(project);
    await stack.configure({ env: { source: { CHANGED: 'yes' } } });
    await stack.up();
    const after = await containerIds(project);
    const replaced = Object.keys(after).filter((name) => after[name] !== before[name]);
    expect(replaced).toEqual([`${project}-source-1`, `${project}-user-1`]);
  });
});
