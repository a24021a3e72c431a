import { type Manifests, newPackage, variant } from './scenario.ts';

/** One step of a scenario: manifests that are carried to the end from where the step before has ended. */
export interface Stage {
  readonly name: string;
  readonly manifests: Manifests;
}

/** Paths of all packages that the stages make. */
export const PACKAGES = ['web', 'batch', 'cron', 'docs/guide', 'docs/terms', 'docs/old', 'docs/offer'];

/** A proposal and nothing else: the registered branch stays where it is. */
export const PROPOSE: Stage = { name: 'propose', manifests: [newPackage('docs/offer', 'Proposed')] };

/** Everything is new. */
export const CREATE: Stage = {
  name: 'create',
  manifests: [
    variant('web', { policy: 'Initial' }),
    variant('batch'),
    variant('cron'),
    newPackage('docs/guide', 'Proposed'),
    newPackage('docs/terms', 'Published'),
    newPackage('docs/old', 'Published'),
  ],
};

/** Brings `docs/old` to where the next stage needs it. */
export const RETIRE: Stage = { name: 'retire', manifests: [newPackage('docs/old', 'DeletionProposed')] };

/** A published variant gets a new draft, a draft is made anew from another upstream, another is changed; three transitions. */
export const CHANGE: Stage = {
  name: 'change',
  manifests: [
    variant('web', { policy: 'Initial', region: 'south' }),
    variant('batch', { revision: 2 }),
    variant('cron', { region: 'south' }),
    newPackage('docs/guide', 'Draft'),
    newPackage('docs/terms', 'DeletionProposed'),
    newPackage('docs/old', 'Published'),
  ],
};
