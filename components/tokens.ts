/** Type tokens of the components; a token is part of every URN, so a change of one needs an alias. */
export const tokens = {
  composeStack: 'rewind:compose:Stack',
  service: 'rewind:compose:Service',
} as const;
