import type Docker from 'dockerode';
import { describe, expect, test } from 'vitest';

import { freePorts } from '../../../src/docker/free-ports';
import { engineError } from '../../support/fake-engine';
import { problemsOf } from '../../support/problems';

/** An engine on which these containers of the stack publish these ports; it notes which are stopped. */
function engineWith(
  containers: Readonly<Record<string, Partial<Docker.Port>>>,
  failure?: Error,
): { docker: Docker; stopped: string[]; asked: unknown[] } {
  const stopped: string[] = [];
  const asked: unknown[] = [];
  const docker = {
    listContainers: (options: unknown) => {
      asked.push(options);
      return Promise.resolve(
        Object.entries(containers).map(([name, port]) => ({
          Id: name,
          Names: [`/${name}`],
          Ports: [{ IP: '0.0.0.0', Type: 'tcp', PrivatePort: 80, ...port }],
        })),
      );
    },
    getContainer: (id: string) => ({
      stop: () => {
        stopped.push(id);
        return failure ? Promise.reject(failure) : Promise.resolve();
      },
    }),
  } as unknown as Docker;
  return { docker, stopped, asked };
}

describe('the ports of a container that is about to be created', () => {
  test('are freed by stopping the container of the stack that holds one, and no other', async () => {
    const { docker, stopped, asked } = engineWith({
      old: { PublicPort: 8080 },
      other: { PublicPort: 9090 },
      elsewhere: { PublicPort: 8080, IP: '10.0.0.1' },
      udp: { PublicPort: 8080, Type: 'udp' },
    });
    await freePorts(docker, [{ external: 8080, ip: '127.0.0.1', protocol: 'tcp' }], 'shop/dev');
    expect(stopped).toEqual(['old']);
    expect(asked).toEqual([{ filters: { label: ['dev.rewind.stack=shop/dev'] } }]);
  });

  test('need no look at the engine if Docker chooses them', async () => {
    const { docker, asked } = engineWith({});
    await freePorts(docker, [{}], 'shop/dev');
    await freePorts(docker, undefined, 'shop/dev');
    expect(asked).toEqual([]);
  });

  test('are free if the container that held one has just ended', async () => {
    const { docker } = engineWith({ old: { PublicPort: 8080 } }, engineError(304, 'already stopped'));
    await expect(freePorts(docker, [{ external: 8080 }], 'shop/dev')).resolves.toBeUndefined();
  });

  test('that cannot be freed are an error that names the container', async () => {
    const { docker } = engineWith({ old: { PublicPort: 8080 } }, engineError(500, 'no'));
    const [problem] = await problemsOf(() => freePorts(docker, [{ external: 8080 }], 'shop/dev'));
    expect(problem?.code).toBe('docker/failed');
    expect(problem?.message).toContain('old');
  });
});
