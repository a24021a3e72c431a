import type { FunctionInput, FunctionOutput, FunctionRuntime, RunContext, Runner } from '../../functions/types.ts';
import { describeWanted, type WantedImage, wantedImage } from '../container-image.ts';
import { toOutput } from '../process.ts';
import { RenderMemo } from '../render-memo.ts';
import { encodeInput } from '../wire-format.ts';
import type { FunctionImage } from './manifest.ts';
import type { PodService } from './service.ts';
import type { PodSettings } from './settings.ts';

export interface PodRuntimeOptions {
  readonly service: Pick<PodService, 'evaluate'>;
  /** Looks an image up in its registry. @throws VerandaError with the registry's reason */
  readonly resolve: (wanted: WantedImage, signal: AbortSignal) => Promise<FunctionImage>;
  /** How the pods of an image are made, by its name without tag. */
  readonly settings: (wanted: WantedImage) => PodSettings;
}

/** Runs every image as pods of the cluster. */
export function createPodRuntime(options: PodRuntimeOptions): FunctionRuntime {
  const images = new RenderMemo<FunctionImage>();
  return {
    name: 'pod',
    runner(spec) {
      const wanted = wantedImage(spec);
      return wanted === undefined ? undefined : new PodRunner(wanted, options, images);
    },
  };
}

class PodRunner implements Runner {
  readonly runtime = 'pod';
  readonly resolved: string;
  readonly #wanted: WantedImage;
  readonly #options: PodRuntimeOptions;
  readonly #images: RenderMemo<FunctionImage>;

  constructor(wanted: WantedImage, options: PodRuntimeOptions, images: RenderMemo<FunctionImage>) {
    this.#wanted = wanted;
    this.#options = options;
    this.#images = images;
    this.resolved = describeWanted(wanted);
  }

  async identify(context: RunContext): Promise<string | undefined> {
    const { cache, env, envFrom = [] } = this.#options.settings(this.#wanted);
    if (!cache) return undefined;
    const { digest } = await this.#lookUp(context);
    return env.length + envFrom.length === 0 ? digest : `${digest} ${JSON.stringify([env, envFrom])}`;
  }

  async run(input: FunctionInput, context: RunContext): Promise<FunctionOutput> {
    const { signal } = context;
    const text = Buffer.from(encodeInput(input));
    const image = await this.#lookUp(context);
    const settings = this.#options.settings(this.#wanted);
    const { exitCode, stdout, stderr } = await this.#options.service.evaluate(image, settings, text, signal);
    const ran = { resolved: image.resolved, runtime: this.runtime };
    return { ...toOutput(exitCode, stdout, input), stderr, exitCode, ran };
  }

  #lookUp({ render = this, signal }: RunContext): Promise<FunctionImage> {
    return this.#images.find(render, this.resolved, () => this.#options.resolve(this.#wanted, signal));
  }
}
