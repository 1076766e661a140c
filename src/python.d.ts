/** A Python program, carried as text: see build.mjs. */
declare module '*.py' {
  const source: string;
  export default source;
}
