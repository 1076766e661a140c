import { expect, test } from 'vitest';
import { proxyFor } from '../../toolchain/proxy';

const https = new URL('https://releases.example.com/file');
const http = new URL('http://mirror.internal:8080/file');

test('the proxy for HTTPS is https_proxy, in either case, else all_proxy', () => {
  expect(proxyFor(https, { https_proxy: 'http://proxy:1' })).toBe('http://proxy:1');
  expect(proxyFor(https, { HTTPS_PROXY: 'http://proxy:2' })).toBe('http://proxy:2');
  expect(proxyFor(https, { all_proxy: 'http://proxy:3' })).toBe('http://proxy:3');
  expect(proxyFor(https, { http_proxy: 'http://proxy:4' })).toBeUndefined();
  expect(proxyFor(http, { http_proxy: 'http://proxy:4' })).toBe('http://proxy:4');
});

test('a proxy without a scheme is an HTTP proxy', () => {
  expect(proxyFor(https, { https_proxy: 'proxy:3128' })).toBe('http://proxy:3128');
});

test.each([
  ['releases.example.com', true],
  ['example.com', true],
  ['.example.com', true],
  ['*.example.com', true],
  ['*', true],
  ['other.org, example.com:443', true],
  ['example.com:8443', false],
  ['ample.com', false],
  ['', false],
])('no_proxy=%s exempts the host: %s', (noProxy, exempt) => {
  const proxy = proxyFor(https, { https_proxy: 'http://proxy:1', no_proxy: noProxy });
  expect(proxy === undefined).toBe(exempt);
});
