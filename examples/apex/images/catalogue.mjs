// Every image of the example: what it is made of and what it is made from.

import { base } from './base.mjs';
import { compileObjectServer } from './object/build.mjs';

const SERVICES = ['api', 'worker', 'signcalc', 'frontend'];
const V2 = ['.', 'releases/v0.2.0'];

/**
 * The releases of the application, oldest first. `layers` are laid over each other: later ones win. The services that
 * are not among `changed` have the images of the release `since` under another tag.
 */
export const RELEASES = [
  { tag: 'v0.1.0', layers: ['.'], changed: SERVICES },
  { tag: 'v0.2.0', layers: V2, changed: SERVICES },
  { tag: 'v0.3.0-broken', layers: [...V2, 'releases/v0.3.0-broken'], changed: SERVICES },
  { tag: 'v0.3.0', layers: [...V2, 'releases/v0.3.0'], changed: ['api'], since: 'v0.2.0' },
  { tag: 'v0.4.0', layers: [...V2, 'releases/v0.4.0'], changed: ['api', 'worker'], since: 'v0.2.0' },
];

const PYTHON = 'rewind-example/python:bookworm';
const NGINX = 'rewind-example/nginx:bookworm';

/** Images that only others are made from. */
const parents = [
  image(PYTHON, ['images/python'], { parents: [base.name], args: { BASE: base.name }, internal: true }),
  image(NGINX, ['images/frontend'], {
    dockerfile: 'nginx.Dockerfile',
    parents: [base.name],
    args: { BASE: base.name },
    internal: true,
  }),
];

const infrastructure = [
  postgres('15', base),
  image('apex-cache:7', ['images/cache'], { parents: [base.name], args: { BASE: base.name } }),
  image('apex-object:v1.8.0', ['images/object'], {
    parents: [base.name],
    args: { BASE: base.name },
    prepare: compileObjectServer,
  }),
  image('apex-search-stand-in:v1', ['images/search'], { parents: [PYTHON], args: { PYTHON } }),
];

const application = RELEASES.flatMap(({ tag, layers, changed, since }) => {
  const code = `rewind-example/apex-app:${tag}`;
  const overlaid = (folder) => layers.map((layer) => (layer === '.' ? folder : `${layer}/${folder}`));
  const services = SERVICES.map((service) => {
    const name = `apex-${service}:${tag}`;
    if (!changed.includes(service)) return sameAs(`apex-${service}:${since}`, name);
    if (service === 'frontend') {
      return image(name, ['images/frontend', ...overlaid('web')], { parents: [NGINX], args: { NGINX } });
    }
    return image(name, [`images/${service}`], { parents: [code], args: { APP: code } });
  });
  return [
    image(code, ['images/app', ...overlaid('app')], { parents: [PYTHON], args: { PYTHON }, internal: true }),
    ...services,
  ];
});

/**
 * All images but the base, parents before what is made from them.
 *
 * @type {{name: string, context: string[], dockerfile: string, parents: string[],
 *   args: Record<string, string>, internal?: boolean, prepare?: Function, sameAs?: string}[]}
 */
export const catalogue = [...parents, ...infrastructure, ...application];

/**
 * The database as an image: the version of Postgres that a Debian has, on the base of that.
 *
 * @returns {{name: string, context: string[], dockerfile: string, parents: string[], args: Record<string, string>}}
 */
export function postgres(version, { name: from }) {
  return image(`apex-db:${version}`, ['images/db'], { parents: [from], args: { BASE: from, POSTGRES: version } });
}

function image(name, context, options) {
  return { name, context, dockerfile: 'Dockerfile', ...options };
}

/** An image that is another one under a second name. */
function sameAs(other, name) {
  return image(name, [], { parents: [other], args: {}, sameAs: other });
}
