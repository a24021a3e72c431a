import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** One authority for everything in a control plane, and its certificates, by the openssl command. Files lie in `folder`. */
export class Pki {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(folder: string): Promise<Pki> {
    const pki = new Pki(folder);
    await pki.#openssl(
      'req',
      '-x509',
      ...NEW_KEY,
      '-days',
      '2',
      '-subj',
      '/CN=veranda-test',
      '-keyout',
      'ca.key',
      '-out',
      'ca.crt',
    );
    await pki.#openssl('genrsa', '-out', 'sa.key', '2048');
    return pki;
  }

  /** One that was created before. */
  static open(folder: string): Pki {
    return new Pki(folder);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** `<name>.crt` and `<name>.key`. @param addresses names that a server is known by */
  async certificate(name: string, user: string, groups: readonly string[], addresses?: string): Promise<void> {
    const subject = `${groups.map((group) => `/O=${group}`).join('')}/CN=${user}`;
    await this.#openssl('req', ...NEW_KEY, '-subj', subject, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    await writeFile(
      this.path(`${name}.ext`),
      addresses === undefined ? 'extendedKeyUsage=clientAuth\n' : `subjectAltName=${addresses}\n`,
    );
    const authority = [
      '-CA',
      'ca.crt',
      '-CAkey',
      'ca.key',
      '-set_serial',
      `0x${randomBytes(16).toString('hex')}`,
      '-days',
      '2',
    ];
    await this.#openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      ...authority,
      '-extfile',
      `${name}.ext`,
      '-out',
      `${name}.crt`,
    );
  }

  #openssl(...args: string[]) {
    return run('openssl', args, { cwd: this.folder });
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
