/** Type tokens of the components; a token is part of every URN, so a change of one needs an alias. */
export const tokens = {
  composeStack: 'rewind:compose:Stack',
  service: 'rewind:compose:Service',
  snapshot: 'rewind:data:Snapshot',
  restore: 'rewind:data:Restore',
  quiesce: 'rewind:data:Quiesce',
  migration: 'rewind:data:Migration',
  verification: 'rewind:data:Verification',
  database: 'rewind:database:Database',
  // Pulumi finds the provider of a dynamic resource by what stands before the slash.
  schemaState: 'pulumi-nodejs:dynamic/rewind:SchemaState',
} as const;
