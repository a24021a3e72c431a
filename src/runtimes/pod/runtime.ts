import type { FunctionInput, FunctionOutput, FunctionRuntime, RunContext, Runner } from '../../functions/types.ts';
import { type WantedImage, wantedImage } from '../container-image.ts';
import { toOutput } from '../process.ts';
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
  return {
    name: 'pod',
    runner(spec) {
      const wanted = wantedImage(spec);
      return wanted === undefined ? undefined : new PodRunner(wanted, options);
    },
  };
}

class PodRunner implements Runner {
  readonly runtime = 'pod';
  readonly resolved: string;
  readonly #wanted: WantedImage;
  readonly #options: PodRuntimeOptions;
  /** Looked up once for each step, so that one render runs one image. */
  #image: Promise<FunctionImage> | undefined;

  constructor(wanted: WantedImage, options: PodRuntimeOptions) {
    this.#wanted = wanted;
    this.#options = options;
    this.resolved = `${wanted.name}${wanted.suffix ?? `:${wanted.tag ?? ''}`}`;
  }

  async identify(signal: AbortSignal): Promise<string | undefined> {
    if (!this.#options.settings(this.#wanted).cache) return undefined;
    return (await this.#lookUp(signal)).digest;
  }

  async run(input: FunctionInput, { signal }: RunContext): Promise<FunctionOutput> {
    const text = Buffer.from(encodeInput(input));
    const image = await this.#lookUp(signal);
    const settings = this.#options.settings(this.#wanted);
    const { exitCode, stdout, stderr } = await this.#options.service.evaluate(image, settings, text, signal);
    const ran = { resolved: image.resolved, runtime: this.runtime };
    return { ...toOutput(exitCode, stdout, input), stderr, exitCode, ran };
  }

  #lookUp(signal: AbortSignal): Promise<FunctionImage> {
    const looking = this.#image ?? this.#options.resolve(this.#wanted, signal);
    this.#image = looking;
    looking.catch(() => {
      this.#image = undefined;
    });
    return looking;
  }
}
