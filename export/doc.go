// Package export takes things out of an instance and brings them back: a project
// as a backup, in the form of Semaphore UI, and a whole instance as an archive.
//
// [Project] reads a project, [Backup.Encode] writes it; [Backup.Decode] reads a
// file, [Check] judges it, and [Restore] makes a project of it. A backup holds no
// secrets, unless it is encrypted: see [Backup.Encrypt].
//
// [WriteInstance] writes everything a store holds, [ReadInstance] fills an empty
// store of any kind with it, and [CheckInstance] looks whether an archive is whole.
package export
