import { describe, expect, test } from 'vitest';

import type { ContainerSpec, ServicePlan } from '../../../src/container/spec';
import { madePassword, planDatabase } from '../../../src/postgres/declared';
import { Sensitive } from '../../../src/sensitive';
import type { DatabaseSettings } from '../../../src/settings';
import { modelOf } from '../../support/compose-project';

const published = [{ internal: 5432, external: 5433, ip: '127.0.0.1', protocol: 'tcp' }];
const login = ['POSTGRES_USER=shop', new Sensitive('POSTGRES_PASSWORD=a=b'), 'POSTGRES_DB=goods'];

function planned(
  settings: Omit<DatabaseSettings, 'service'>,
  spec: Partial<ContainerSpec> = {},
  isLocal = true,
): ReturnType<typeof planDatabase> {
  const container = { name: 'shop-db-1', image: 'x', labels: [], restart: 'no', maxRetryCount: 0 };
  const plan: ServicePlan = {
    service: 'db',
    reference: 'db:1',
    containers: [{ ...container, envs: login, ports: published, ...spec }],
    limits: {},
    readBackDiffers: [],
    oneShot: false,
  };
  return planDatabase({ service: 'db', ...settings }, plan, modelOf({ db: {} }), isLocal);
}

const messages = (...args: Parameters<typeof planned>): string[] => planned(...args).problems.map((it) => it.message);

describe('what is declared inside of a database', () => {
  test('is nothing, and asks for nothing, unless it is declared', () => {
    expect(planned({}, { ports: [] }, false)).toEqual({ problems: [] });
  });

  test('is worked on through the port that is published, as the role of the container', () => {
    const { plan, problems } = planned({
      verifier: true,
      roles: { reports: 'read', importer: 'write' },
      databases: { stock: 'importer' },
      extensions: ['pg_trgm'],
    });
    expect(problems).toEqual([]);
    expect(plan).toMatchObject({
      host: '127.0.0.1',
      port: 5433,
      user: 'shop',
      database: 'goods',
      roles: [
        { name: 'rewind_verifier', rights: 'read' },
        { name: 'reports', rights: 'read' },
        { name: 'importer', rights: 'write' },
      ],
      databases: [{ name: 'stock', owner: 'importer' }],
      extensions: ['pg_trgm'],
    });
    expect(plan?.password?.reveal()).toBe('a=b');
    expect(JSON.stringify(plan)).not.toContain('a=b');
  });

  test('goes by the settings where they name the role and the database', () => {
    expect(planned({ verifier: true, user: 'admin', name: 'main' }).plan).toMatchObject({
      user: 'admin',
      database: 'main',
    });
  });

  test.each([
    ['no port', []],
    ['one that the engine chooses', [{ internal: 5432, ip: '127.0.0.1' }]],
    ['another port', [{ internal: 9000, external: 5432 }]],
    ['udp', [{ internal: 5432, external: 5432, protocol: 'udp' }]],
    ['another address than loopback', [{ internal: 5432, external: 5432, ip: '192.0.2.1' }]],
  ])('needs a published port: %s is none', (_, ports) => {
    expect(messages({ verifier: true }, { ports })).toEqual([
      expect.stringContaining('db publishes it on no fixed port of this machine'),
    ]);
  });

  test('goes over loopback where the port is published on every address', () => {
    const ports = [{ internal: 5432, external: 5499, ip: '0.0.0.0' }];
    expect(planned({ verifier: true }, { ports }).plan).toMatchObject({ host: '127.0.0.1', port: 5499 });
  });

  test('is not to be had of an engine on another machine', () => {
    expect(messages({ verifier: true }, {}, false)).toEqual([expect.stringContaining('on another machine')]);
  });

  test('needs the password, unless the server trusts everybody', () => {
    expect(messages({ verifier: true }, { envs: [] })).toEqual([expect.stringContaining('password')]);
    expect(planned({ verifier: true }, { envs: ['POSTGRES_HOST_AUTH_METHOD=trust'] }).plan).not.toHaveProperty(
      'password',
    );
  });

  test('is not what is there already, nor what Postgres takes for its own', () => {
    expect(
      messages({
        verifier: true,
        roles: { shop: 'read', rewind_verifier: 'read', pg_mine: 'none' },
        databases: { goods: 'shop' },
      }),
    ).toEqual([
      expect.stringContaining('roles["pg_mine"] is no name that Postgres takes'),
      expect.stringContaining('roles["shop"] is the role that Rewind works as'),
      expect.stringContaining('roles["rewind_verifier"] is declared by verifier already'),
      expect.stringContaining('databases["goods"] is the database of the application'),
    ]);
  });
});

test('a made password is the same for the same key and role, and tells neither', () => {
  const [key, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  expect(madePassword(key, 'reports')).toMatch(/^[\w-]{32}$/);
  expect(madePassword(key, 'reports')).toBe(madePassword(key, 'reports'));
  expect(new Set([madePassword(key, 'reports'), madePassword(key, 'x'), madePassword(other, 'reports')]).size).toBe(3);
});
