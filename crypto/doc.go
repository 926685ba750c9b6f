// Package crypto seals what Semaphore keeps or sends: values at rest with a
// [Ring] of keys that a [Rotator] renews while the server runs, messages to
// one runner with [SealTo], and what Semaphore UI wrote or its old runners
// expect ([Ring.OpenLegacy], [EncryptRSAChunks]). It also reads ssh keys and
// makes tokens.
//
// Private values of this package print as "***" and their id, and no error
// holds any part of a secret.
package crypto
