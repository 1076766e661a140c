// Every image of the example: what it is made of and what it is made from.

import { base } from './base.mjs';
import { compileObjectServer } from './object/build.mjs';

/** The releases of the application, oldest first. `layers` are laid over each other: later ones win. */
export const RELEASES = [
  { tag: 'v0.1.0', layers: ['.'] },
  { tag: 'v0.2.0', layers: ['.', 'releases/v0.2.0'] },
  { tag: 'v0.3.0-broken', layers: ['.', 'releases/v0.2.0', 'releases/v0.3.0-broken'] },
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
  image('apex-db:15', ['images/db'], { parents: [base.name], args: { BASE: base.name } }),
  image('apex-cache:7', ['images/cache'], { parents: [base.name], args: { BASE: base.name } }),
  image('apex-object:v1.8.0', ['images/object'], {
    parents: [base.name],
    args: { BASE: base.name },
    prepare: compileObjectServer,
  }),
  image('apex-search-stand-in:v1', ['images/search'], { parents: [PYTHON], args: { PYTHON } }),
];

const application = RELEASES.flatMap(({ tag, layers }) => {
  const code = `rewind-example/apex-app:${tag}`;
  const services = ['api', 'worker', 'signcalc'].map((service) =>
    image(`apex-${service}:${tag}`, [`images/${service}`], { parents: [code], args: { APP: code } }),
  );
  const overlaid = (folder) => layers.map((layer) => (layer === '.' ? folder : `${layer}/${folder}`));
  return [
    image(code, ['images/app', ...overlaid('app')], { parents: [PYTHON], args: { PYTHON }, internal: true }),
    ...services,
    image(`apex-frontend:${tag}`, ['images/frontend', ...overlaid('web')], { parents: [NGINX], args: { NGINX } }),
  ];
});

/**
 * All images but the base, parents before what is made from them.
 *
 * @type {{name: string, context: string[], dockerfile: string, parents: string[],
 *   args: Record<string, string>, internal?: boolean, prepare?: Function}[]}
 */
export const catalogue = [...parents, ...infrastructure, ...application];

function image(name, context, options) {
  return { name, context, dockerfile: 'Dockerfile', ...options };
}
