import { afterAll, beforeAll, describe } from '@jest/globals';
import { type ControlPlane, startControlPlane } from '../../env/cluster/control-plane.ts';
import { approvalPolicies } from './approval-policies.ts';
import { deletion } from './deletion.ts';
import { namesAndMetadata } from './names-and-metadata.ts';
import { porchctl } from './porchctl.ts';
import { transitions } from './transitions.ts';
import { withoutStamp } from './without-stamp.ts';

/** Of its own: the policies count for all tests of a cluster. */
let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane();
}, 120_000);

afterAll(async () => {
  await plane?.stop();
});

describe('transitions of the lifecycle', () => transitions(() => plane));
describe('policies of approval', () => approvalPolicies(() => plane));
describe('names and metadata', () => namesAndMetadata(() => plane));
describe('deletion', () => deletion(() => plane));
describe('clients that put whole objects back', () => porchctl(() => plane));
describe('a cluster in which nothing stamps', () => withoutStamp(() => plane));
