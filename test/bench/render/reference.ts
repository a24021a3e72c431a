interface Figure {
  readonly ms: number;
  readonly mb: number;
}

interface KptFigures {
  readonly empty: Figure;
  /** set-namespace and apply-setters. */
  readonly twoFunctions: Figure;
}

export const SIZES = [10, 100, 1_000, 5_000] as const;

/**
 * `kpt fn render --allow-exec`, whole process, functions as local binaries: a build of 2026-08-07 on 2 vCPU (AMD EPYC,
 * shared), 24 GiB; repeat scatter about 20 %.
 */
export const KPT_REFERENCE: Readonly<Record<(typeof SIZES)[number], KptFigures>> = {
  10: { empty: { ms: 39, mb: 44 }, twoFunctions: { ms: 136, mb: 78 } },
  100: { empty: { ms: 59, mb: 48 }, twoFunctions: { ms: 324, mb: 85 } },
  1000: { empty: { ms: 248, mb: 70 }, twoFunctions: { ms: 2_121, mb: 215 } },
  5000: { empty: { ms: 1_194, mb: 160 }, twoFunctions: { ms: 10_249, mb: 715 } },
};
