/**
 * The proxy that an address is to be reached through, after the usual variables: `https_proxy`, `http_proxy`,
 * `all_proxy` and `no_proxy`, in either case.
 *
 * @returns the proxy's URL, or undefined for a direct connection
 */
export function proxyFor(url: URL, env: NodeJS.ProcessEnv): string | undefined {
  const read = (name: string) => env[name] || env[name.toUpperCase()] || undefined;
  if (isExempt(url, read('no_proxy') ?? '')) return undefined;
  const proxy = read(url.protocol === 'https:' ? 'https_proxy' : 'http_proxy') ?? read('all_proxy');
  if (proxy === undefined) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

/** Whether no_proxy names the host: itself, a domain above it, with or without a port, or `*`. */
function isExempt(url: URL, noProxy: string): boolean {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return noProxy
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const [, domain = '', onlyPort] = /^(.+?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
      if (onlyPort !== undefined && onlyPort !== port) return false;
      const bare = domain.replace(/^\*?\./, '');
      return url.hostname === bare || url.hostname.endsWith(`.${bare}`);
    });
}
