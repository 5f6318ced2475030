const PACKAGE = /\/(realtime|notifications|chat)\/static\/(realtime|notifications|chat)\//;

/**
 * @param {string} specifier
 * @param {{parentURL?: string}} context
 * @param {(specifier: string, context: object) => Promise<unknown>} next
 */
export function resolve(specifier, context, next) {
  if (!specifier.startsWith('../') || !context.parentURL) return next(specifier, context);
  const url = new URL(specifier, context.parentURL).href;
  return next(url.replace(PACKAGE, '/$2/static/$2/'), context);
}
