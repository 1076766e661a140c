// @ts-check

/**
 * What Pulumi's SDK loads at each start and needs rarely: what serialises a function into the state (the TypeScript compiler
 * and npm's readers of packages, half of what it loads), and what installs and starts `pulumi`. By what it is required as,
 * and the file that does so.
 */
const usedRarely = [
  {
    what: /^(@npmcli\/arborist|fdir|normalize-package-data)$|(^|\/)typescript-shim$/,
    by: /[/\\]@pulumi[/\\]pulumi[/\\]runtime[/\\]closure[/\\]/,
  },
  { what: /^(execa|tmp)$/, by: /[/\\]@pulumi[/\\]pulumi[/\\]automation[/\\]cmd\.js$/ },
];

/**
 * @param {string} request
 * @param {string} by file that requires it
 */
export function isUsedRarely(request, by) {
  return usedRarely.some((one) => one.what.test(request) && one.by.test(by));
}
