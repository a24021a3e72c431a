/** Ends what the set-up has started; its logs stay when tests have failed. */
export default async function tearDown(): Promise<void> {
  await globalThis.verandaTestCluster?.stop(globalThis.verandaTestsFailed);
}
