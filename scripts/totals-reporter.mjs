/** Ends a test run with the line `N passed, N failed`, over all projects; a test file that could not run counts as failed. */
export default class TotalsReporter {
  #failed = false;

  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    this.#failed = failed > 0 || results.wasInterrupted === true;
    // For the global teardowns, which jest tells nothing.
    globalThis.verandaTestsFailed = this.#failed;
    // Jest prints its own summary after all reporters, and this line has to be the last one.
    process.once('exit', () => process.stdout.write(`${results.numPassedTests} passed, ${failed} failed\n`));
  }

  getLastError() {
    return this.#failed ? new Error('some tests failed') : undefined;
  }
}
