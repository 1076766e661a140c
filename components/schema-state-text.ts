/**
 * The provider, as Pulumi keeps that of a dynamic resource in the state: here no more than where to find it, seen from
 * the folder of the project. Written by hand: having it made of a function takes the TypeScript compiler, half a second
 * per preview, and the text would change with each version.
 */
export const schemaStateText =
  'exports.handler = () => require("node:module").createRequire(process.cwd() + "/")("rewind/schema-state");';
