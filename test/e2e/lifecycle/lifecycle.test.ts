import { afterAll, beforeAll, describe } from '@jest/globals';
import { type ControlPlane, startControlPlane } from '../../env/cluster/control-plane.ts';
import { LifecycleBench } from './bench.ts';
import { content } from './content.ts';
import { kstatusStages } from './kstatus.ts';
import { publication } from './publication.ts';
import { removal } from './removal.ts';
import { repositories } from './repositories.ts';

let cluster: ControlPlane;
let bench: LifecycleBench;

beforeAll(async () => {
  cluster = await startControlPlane({ audit: true });
  bench = await LifecycleBench.open(cluster);
}, 180_000);

afterAll(async () => {
  await bench?.close();
  await cluster?.stop();
}, 60_000);

describe('publication', () => publication(() => bench));
describe('removal', () => removal(() => bench));
describe('content', () => content(() => bench));
describe('repositories', () => repositories(() => bench));
describe('kstatus', () => kstatusStages(() => bench));
