import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { takeLock } from './workspace-lock.ts';

const STATE_FOLDER = '.veranda';

/** The folder `.veranda` of a workspace: mirrors of repositories, the status of the last run, and a lock. */
export class Workspace {
  readonly #folder: string;
  readonly #unlock: () => Promise<void>;

  private constructor(folder: string, unlock: () => Promise<void>) {
    this.#folder = folder;
    this.#unlock = unlock;
  }

  /**
   * Makes what is missing and locks it for this process.
   * @throws TerminalError WorkspaceLocked; errors of the file system
   */
  static async open(directory: string): Promise<Workspace> {
    const folder = join(directory, STATE_FOLDER);
    await mkdir(folder, { recursive: true });
    const unlock = await takeLock(join(folder, 'lock'));
    try {
      // Nothing in here belongs into a repository.
      await writeFile(join(folder, '.gitignore'), '*\n');
    } catch (error) {
      await unlock();
      throw error;
    }
    return new Workspace(folder, unlock);
  }

  /** Folder for bare mirrors. */
  get mirrors(): string {
    return join(this.#folder, 'git');
  }

  /** The file is the old one or the new one whenever somebody reads it. */
  async saveStatus(yaml: string): Promise<void> {
    const file = join(this.#folder, 'status.yaml');
    await writeFile(`${file}.new`, yaml);
    await rename(`${file}.new`, file);
  }

  async close(): Promise<void> {
    await this.#unlock();
  }
}
