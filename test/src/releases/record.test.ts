import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { parseRecord, parseReleaseName, releaseName, renderRecord } from '../../../src/releases/record';
import { releaseRecord } from '../../support/release-records';
import { refusal } from '../../support/problems';

const text = renderRecord(releaseRecord(3));

describe('the name of a release', () => {
  test.each([
    ['r3', 3],
    ['3', 3],
    ['r120', 120],
  ])('%s is release %i', (name, number) => {
    expect(parseReleaseName(name)).toBe(number);
  });

  test.each(['', 'r', 'r0', '03', 'R3', 'r3 ', '-1', 'r1.5', 'v3', 'r12345678901'])('"%s" is none', (name) => {
    expect(parseReleaseName(name)).toBeUndefined();
  });

  test('is read as it is written', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 999_999_999 }), (n) => parseReleaseName(releaseName(n)) === n));
  });
});

describe('a release record', () => {
  test('is read back as it was written, whatever its texts are', () => {
    const words = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(words, fc.dictionary(words, fc.jsonValue()), words, (message, config, image) => {
        const record = releaseRecord(1, {
          message,
          config: JSON.parse(JSON.stringify(config)) as Record<string, unknown>,
          services: { api: { image, imageId: 'sha256:1', containers: 1 } },
        });
        expect(parseRecord(renderRecord(record), 'r1.json')).toEqual(record);
      }),
    );
  });

  test.each([
    ['by', 'kim@box', 'eve@box'],
    ['an image', 'id-of-shop/api:v3', 'id-of-shop/api:v9'],
    ['its number', '"number": 3', '"number": 4'],
    ['the checksum itself', /"checksum": "."*/, '"checksum": "0'],
  ])('that was changed by hand is refused: %s', (_what, from, to) => {
    expect(refusal(() => parseRecord(text.replace(from, to), '/store/r3.json'))).toMatchObject({
      code: 'release/damaged',
      message: 'The release record /store/r3.json was changed after it was written.',
    });
  });

  test('that is cut short is refused, wherever the cut is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: text.length - 2 }), (length) => {
        expect(refusal(() => parseRecord(text.slice(0, length), 'r3.json')).message).toBe(
          'The release record r3.json is cut short or is no JSON.',
        );
      }),
    );
  });

  test('of a later format is refused by its number', () => {
    expect(refusal(() => parseRecord(text.replace('"format": 1', '"format": 2'), 'r3.json')).message).toBe(
      'The release record r3.json has the format 2, which this version does not know.',
    );
  });

  test.each(['null', '[]', '3', '"text"'])('that is %s is refused like any other damage', (content) => {
    expect(refusal(() => parseRecord(content, 'r3.json')).code).toBe('release/damaged');
  });
});
