import { expect, test } from '@jest/globals';
import { ConflictError, TerminalError, TransientError } from '../../../../src/api/errors.ts';
import { nextLook } from '../../../../src/controllers/repository/retry.ts';

test.each([
  ['a refused password is not tried again and again', new TransientError('AuthFailed', ''), false, 300_000],
  ['nor a certificate', new TransientError('TLSVerify', ''), false, 300_000],
  ['nor a Secret that may not be read', new TransientError('SecretForbidden', ''), false, 30_000],
  ['nor one that is not there', new TransientError('SecretNotFound', ''), false, 30_000],
  ['nor a remote that is not there', new TransientError('NotFound', ''), false, 120_000],
  ['nor a branch that is not there', new TerminalError('BranchNotFound', ''), false, 120_000],
  ['a remote that is away is asked at least twice a minute', new TransientError('Unreachable', ''), true, 30_000],
  ['so is one whose server fails', new TransientError('ServerError', ''), true, 30_000],
  ['an error that nobody has foreseen is one of these', new Error('AuthFailed'), true, 30_000],
  ['what only a change can help is looked at once an hour', new TerminalError('HostileContent', ''), true, 3_600_000],
  ['what has moved is looked at at once', new ConflictError('RefMoved', ''), true, undefined],
])('%s (7.8.128, 7.8.154)', (_what, error, throws, afterMs) => {
  expect(nextLook(error)).toEqual(afterMs === undefined ? { throws } : { throws, afterMs });
});
