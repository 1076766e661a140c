import { describe, expect, test } from 'vitest';

import { inFolder, knownFiles, type SealedRelease } from '../../../src/releases/sealed';

const release: SealedRelease = {
  directory: '/home/kim/shop',
  secrets: {},
  files: {
    '/home/kim/shop/nginx.conf': { hash: 'sha256:1', secret: false },
    '/etc/ssl/site.pem': { hash: 'sha256:2', secret: true },
  },
  project: {
    files: ['/home/kim/shop/compose.yaml', '/opt/common/compose.yaml'],
    directory: '/home/kim/shop',
    environment: {},
    secretVariables: {},
    warnings: [],
    options: [],
    model: {
      name: 'shop',
      networks: {},
      volumes: {},
      configs: {
        page: { name: 'p', file: '/home/kim/shop/page.html' },
        inline: { name: 'i', content: '/home/kim/shop/text' },
      },
      secrets: { token: { name: 't', file: '/run/token' } },
      services: {
        web: {
          environment: { ROOT: '/home/kim/shop' },
          volumes: [
            { type: 'bind', source: '/home/kim/shop/nginx.conf', target: '/etc/nginx.conf' },
            { type: 'bind', source: '/home/kim/shop-old/x', target: '/x' },
            { type: 'volume', source: 'data', target: '/data' },
          ],
        },
      },
    },
  },
};

describe('a release in a project that has moved', () => {
  const moved = inFolder(release, '/srv/shop');

  test('has its paths within the project in the new folder', () => {
    expect(moved.directory).toBe('/srv/shop');
    expect(moved.project.directory).toBe('/srv/shop');
    expect(moved.project.files[0]).toBe('/srv/shop/compose.yaml');
    expect(Object.keys(moved.files)[0]).toBe('/srv/shop/nginx.conf');
    expect(moved.project.model.configs['page']).toMatchObject({ file: '/srv/shop/page.html' });
    expect(moved.project.model.services['web']!.volumes![0]!.source).toBe('/srv/shop/nginx.conf');
  });

  test('has everything else as it was', () => {
    expect(moved.project.files[1]).toBe('/opt/common/compose.yaml');
    expect(moved.files['/etc/ssl/site.pem']).toEqual({ hash: 'sha256:2', secret: true });
    expect(moved.project.model.configs['inline']).toMatchObject({ content: '/home/kim/shop/text' });
    expect(moved.project.model.secrets['token']).toMatchObject({ file: '/run/token' });
    expect(moved.project.model.services['web']!.environment).toEqual({ ROOT: '/home/kim/shop' });
    expect(moved.project.model.services['web']!.volumes!.slice(1)).toEqual(
      release.project.model.services['web']!.volumes!.slice(1),
    );
  });

  test('is the same again when it moves back', () => {
    expect(inFolder(moved, release.directory)).toEqual(release);
  });
});

test('a release in its own folder is left alone', () => {
  expect(inFolder(release, release.directory)).toBe(release);
});

test('of kept files only what brings them back is known, in the order of their paths', () => {
  const kept = new Map([
    ['/p/b', { source: '/p/b', path: '/s/1/b', hash: 'sha256:b', permissions: '0644', writableFor: 'web' }],
    ['/p/a', { source: '/p/a', path: '/s/2/a', hash: 'hmac', permissions: '0600', secret: true }],
  ]);
  expect(JSON.stringify(knownFiles(kept))).toBe(
    '{"/p/a":{"hash":"hmac","permissions":"0600","secret":true},"/p/b":{"hash":"sha256:b","permissions":"0644","secret":false,"writableFor":"web"}}',
  );
});
