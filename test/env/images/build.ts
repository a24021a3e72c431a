// Builds what the tests put into images, so that no test waits for a compiler. `node test/env/images/build.ts`
import { buildFunctionImages, buildPauseImage } from './function-images.ts';

await buildFunctionImages();
await buildPauseImage();
