import { describe, expect, test } from 'vitest';

import { opOf, opText } from '../../components/op-text';

const op = { name: 'migrate', stack: 'shop/dev', store: 'file://./.rewind' };

describe('the text of a command', () => {
  test.each([
    ['as it mostly is', 'dist/op.js', op],
    ['elsewhere', '../../node_modules/rewind/dist/op.js', op],
    ['with a store of its own', 'dist/op.js', { ...op, store: 'file:///srv/store' }],
    ['with blanks and quotes', "it's here/op.js", { ...op, store: "file:///srv/it's 'the' store" }],
  ])('tells what it stands for: %s', (_, cli, it) => {
    expect(opOf(opText(cli, it))).toEqual(it);
  });

  test.each([
    ['another program', opText('dist/other.js', op)],
    ['another step', opText('dist/op.js', { ...op, name: 'prove' })],
    ['more than a command', `${opText('dist/op.js', op)}\ntouch it`],
    ['more in the line', `${opText('dist/op.js', op)}; touch it`],
    ['a substitution', opText('dist/op.js', op).replace('shop/dev', '$(touch it)')],
    ['something before it', `touch it\n${opText('dist/op.js', op)}`],
    ['nothing', ''],
  ])('is none of ours: %s', (_, text) => {
    expect(opOf(text)).toBeUndefined();
  });
});
