import { execFileSync, spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export const hasOpenssl = spawnSync('openssl', ['version']).error === undefined;

/** An authority, and a certificate for localhost and this client signed by it, in the names that docker gives to them. */
export async function makeCertificates(directory: string) {
  const place = (name: string) => join(directory, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-days',
    '2',
    '-subj',
    '/CN=authority',
    '-keyout',
    place('ca-key.pem'),
    '-out',
    place('ca.pem'),
  );
  openssl('req', ...newKey, '-subj', '/CN=engine', '-keyout', place('key.pem'), '-out', place('request.pem'));
  await writeFile(
    place('extensions'),
    'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n',
  );
  const signed = [
    '-CA',
    place('ca.pem'),
    '-CAkey',
    place('ca-key.pem'),
    '-CAcreateserial',
    '-extfile',
    place('extensions'),
  ];
  openssl('x509', '-req', '-days', '2', '-in', place('request.pem'), ...signed, '-out', place('cert.pem'));
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFile(place(name))),
  );
  return {
    ca: ca!,
    cert: cert!,
    key: key!,
    /** As `docker context create --docker` takes them. */
    files: `ca=${place('ca.pem')},cert=${place('cert.pem')},key=${place('key.pem')}`,
  };
}
