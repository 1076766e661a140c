import { expect, test } from 'vitest';

import { dataChoiceOf, servicesAfter } from '../../../src/actions/revert-config';
import type { ReleasePart } from '../../../src/releases/next-config';
import { releasedService, releaseRecord } from '../../support/release-records';

const from = releaseRecord(2, {
  services: { api: releasedService('api:2'), migrate: releasedService('api:2'), fresh: releasedService('fresh:1') },
});
const to = releaseRecord(1, {
  services: { api: releasedService('api:1'), migrate: releasedService('api:1'), old: releasedService('old:1') },
});

/** By service, the image that its ID is made of. */
const after = (only?: ReleasePart, staying = {}): Record<string, string> =>
  Object.fromEntries(
    Object.entries(servicesAfter({ from, to }, only, { staying })).map(([name, { imageId }]) => [
      name,
      imageId.replace('sha256:id-of-', ''),
    ]),
  );

test('all of a release are its services with its images', () => {
  expect(after()).toEqual({ api: 'api:1', migrate: 'api:1', old: 'old:1' });
});

test('what stays with the schema needs no image of the release', () => {
  const staying = { migrate: from.services['migrate'] };
  expect(after(undefined, staying)).toMatchObject({ api: 'api:1', migrate: 'api:2' });
  expect(after('images', staying)).toMatchObject({ api: 'api:1', migrate: 'api:2' });
});

test('its images are those of the services of today, its configuration goes with the images of today', () => {
  expect(after('images')).toEqual({ api: 'api:1', migrate: 'api:1', fresh: 'fresh:1' });
  expect(after('config')).toEqual({ api: 'api:2', migrate: 'api:2', old: 'old:1' });
});

test('its schema goes with what runs', () => {
  expect(after('database')).toEqual({ api: 'api:2', migrate: 'api:2', fresh: 'fresh:1' });
});

test('images and configuration leave the data as it is, whatever is asked for', () => {
  expect(dataChoiceOf({ only: 'images', database: 'restore' })).toBe('keep');
  expect(dataChoiceOf({ only: 'config' })).toBe('keep');
  expect(dataChoiceOf({ only: 'database', database: 'restore' })).toBe('restore');
  expect(dataChoiceOf({})).toBeUndefined();
});
