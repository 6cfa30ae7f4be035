#ifndef CFAULTVFS_H
#define CFAULTVFS_H

#include <stdint.h>

/* A disk for tests: it remembers what a power cut would leave, and fails where it is told to. See FaultVFS.c. */
typedef struct fault_vfs fault_vfs;

enum fault_kind { FAULT_WRITE = 1, FAULT_SYNC = 2 };

/* Registers a VFS of this name over the system's own (never the default one). Null when there is no memory. */
fault_vfs *fault_vfs_register(const char *name);
/* Takes it back. What files still open need stays in memory. */
void fault_vfs_unregister(fault_vfs *vfs);

/* Changes to the disk so far: writes, truncations, syncs, creations, deletions, folder syncs. */
int64_t fault_vfs_operations(fault_vfs *vfs);
/* The power goes at the k-th change from now (1 is the next): it and all later ones fail. */
void fault_vfs_cut_at(fault_vfs *vfs, int64_t k);
/* The power goes now. */
void fault_vfs_cut(fault_vfs *vfs);
int fault_vfs_is_cut(fault_vfs *vfs);
/* Writes what the disk may hold after the cut into a folder, under the files' own last names. Another seed, another
   possible disk. The number of files, or -1 when the folder cannot be written. */
int fault_vfs_materialise(fault_vfs *vfs, uint64_t seed, const char *folder);

/* The k-th write or sync from now, and the `count` - 1 that follow, fail with an SQLite result code. A write that
   fails leaves its first half; after a failed sync, half of what it should have brought to the disk never gets there. */
void fault_vfs_fail(fault_vfs *vfs, int kind, int64_t k, int64_t count, int code);
/* Writes (or syncs) so far, failed ones included. */
int64_t fault_vfs_count(fault_vfs *vfs, int kind);

/* What fsync on a folder's descriptor does: its entries are on the disk. SQLITE_OK or an I/O error. */
int fault_vfs_sync_folder(fault_vfs *vfs, const char *folder);

#endif
