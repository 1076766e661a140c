import type { ReleasedService, ReleaseRecord } from '../../src/releases/record';

/** A service of a release: `shop/api:v1`, with an ID made of the tag. */
export function releasedService(image: string, more: Partial<ReleasedService> = {}): ReleasedService {
  return { image, imageId: `sha256:id-of-${image}`, containers: 1, ...more };
}

/** A release record; release n began n minutes after midnight and took 5 s. */
export function releaseRecord(number: number, more: Partial<ReleaseRecord> = {}): ReleaseRecord {
  const minute = String(number).padStart(2, '0');
  return {
    format: 1,
    number,
    stack: 'shop/dev',
    project: 'shop',
    startedAt: `2026-11-24T00:${minute}:00.000Z`,
    finishedAt: `2026-11-24T00:${minute}:05.000Z`,
    by: 'kim@box',
    kind: 'deploy',
    services: { api: releasedService(`shop/api:v${number}`) },
    files: {},
    config: { 'rewind:compose': 'compose.yaml' },
    provider: { encryptionsalt: 'v1:salt' },
    fingerprint: `fingerprint-${number}`,
    sealed: `sealed-${number}`,
    ...more,
  };
}
