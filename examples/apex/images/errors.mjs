/** Why the example images could not be built: what is wrong and how to mend it. */
export class BuildError extends Error {
  /**
   * @param {string} code stable name, for instance EXAMPLE_DOCKER_MISSING
   * @param {string} message what is wrong and where
   * @param {string} [fix] how to mend it
   * @param {unknown} [cause] what was caught
   */
  constructor(code, message, fix, cause) {
    super(message, { cause });
    this.name = 'BuildError';
    this.code = code;
    this.fix = fix;
  }
}

/** What is thrown when a build was ended from outside. */
export function cancelled(what) {
  return new BuildError('EXAMPLE_BUILD_CANCELLED', `${what} was cancelled.`);
}
