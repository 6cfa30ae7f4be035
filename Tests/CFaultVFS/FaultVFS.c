/* How to cut the power a thousand times without a switch.
**
** A program that is killed loses nothing it wrote: the kernel has it. Only a power cut shows whether the *syncs* are
** where they must be. SQLite's own test6.c plays such cuts, and this file follows it: a VFS that passes everything on
** to the real one and keeps books. For each file it has the durable image, which is the content at its last sync, and
** the list of writes and truncations since. A sync applies the list to the image and clears it.
**
** At a cut the disk holds, for each file, its image and *some* of the list: the kernel writes pages back when and in
** which order it likes. So a seeded generator throws for each entry: kept whole, dropped, torn (only some of its
** sectors, of 512 or 4096 bytes), or replaced by noise inside its own range. Since an entry that was overwritten later
** survives when the later one is dropped, every order of writing back is covered. How much is dropped is thrown once
** for each cut, so that the extremes (nothing, everything) come up too.
**
** A folder is a file as well: a new name, or the loss of one, is on the disk only after the folder's sync. Each
** name has its durable target and the changes since; a cut keeps the first so many changes of each name. The
** folder is synced by whoever calls fault_vfs_sync_folder, by a deletion that asks for it, and by the first sync of
** a log or journal that was new when opened, as SQLite's unix VFS does. The sync of a file does not make its name
** durable; some file systems are kinder.
**
** The shared-memory index of the log is no file here: it is rebuilt at recovery. Memory mapping is not offered, since
** reads do not matter and the real files are complete until the test removes them.
*/
#include "CFaultVFS.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Change {
  struct Change *next;
  int64_t offset; /* of the bytes, or the new length */
  int64_t length; /* of the bytes; -1 is a truncation */
  unsigned char bytes[];
} Change;

/* A file's content, whatever its name. */
typedef struct Node {
  struct Node *next;
  unsigned char *image;
  int64_t size;
  Change *first, *last;
} Node;

/* A name, and what it led to: target[0] on the disk, then one for each change since. */
enum { TARGETS_MAX = 64 };
typedef struct Name {
  struct Name *next;
  char *path;
  Node *target[TARGETS_MAX];
  int count;
} Name;

typedef struct Fault {
  int64_t seen, first, end;
  int code;
} Fault;

struct fault_vfs {
  sqlite3_vfs vfs;
  sqlite3_vfs *real;
  pthread_mutex_t mutex;
  Node *nodes;
  Name *names;
  Fault write, sync;
  int64_t operations, cutAt;
  int isCut, openCount;
  uint64_t random;
};

typedef struct File {
  sqlite3_file base;
  fault_vfs *owner;
  Node *node;
  char *path;
  int syncsFolder;
  sqlite3_file *real;
} File;

/* splitmix64 */
static uint64_t next(uint64_t *state) {
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

static int chance(uint64_t *state, int percent) { return (int)(next(state) % 100) < percent; }

/* ---- images ---- */

static void resize(unsigned char **image, int64_t *size, int64_t length) {
  if (length == *size) return;
  unsigned char *grown = realloc(*image, length > 0 ? (size_t)length : 1);
  if (!grown) abort();
  if (length > *size) memset(grown + *size, 0, (size_t)(length - *size));
  *image = grown;
  *size = length;
}

static void put(unsigned char **image, int64_t *size, int64_t offset, const unsigned char *bytes, int64_t length) {
  if (offset + length > *size) resize(image, size, offset + length);
  memcpy(*image + offset, bytes, (size_t)length);
}

static void apply(unsigned char **image, int64_t *size, const Change *change) {
  if (change->length < 0) resize(image, size, change->offset);
  else put(image, size, change->offset, change->bytes, change->length);
}

static void record(Node *node, int64_t offset, const void *bytes, int64_t length) {
  Change *change = malloc(sizeof(Change) + (length > 0 ? (size_t)length : 0));
  if (!change) abort();
  *change = (Change){.offset = offset, .length = length};
  if (length > 0) memcpy(change->bytes, bytes, (size_t)length);
  if (node->last) node->last->next = change;
  else node->first = change;
  node->last = change;
}

static void clearChanges(Node *node) {
  while (node->first) {
    Change *change = node->first;
    node->first = change->next;
    free(change);
  }
  node->last = NULL;
}

static void syncNode(Node *node) {
  for (Change *change = node->first; change; change = change->next) apply(&node->image, &node->size, change);
  clearChanges(node);
}

/* After a failed sync the kernel may call pages clean that never reached the disk. */
static void loseHalf(Node *node, uint64_t *random) {
  Change **link = &node->first;
  node->last = NULL;
  while (*link) {
    Change *change = *link;
    if (chance(random, 50)) {
      *link = change->next;
      free(change);
    } else {
      node->last = change;
      link = &change->next;
    }
  }
}

/* ---- names ---- */

static Name *findName(fault_vfs *vfs, const char *path) {
  for (Name *name = vfs->names; name; name = name->next)
    if (strcmp(name->path, path) == 0) return name;
  return NULL;
}

static Node *addNode(fault_vfs *vfs) {
  Node *node = calloc(1, sizeof(Node));
  if (!node) abort();
  node->next = vfs->nodes;
  vfs->nodes = node;
  return node;
}

static Name *addName(fault_vfs *vfs, const char *path) {
  Name *name = calloc(1, sizeof(Name));
  if (!name || !(name->path = strdup(path))) abort();
  name->count = 1;
  name->next = vfs->names;
  vfs->names = name;
  return name;
}

static void lead(Name *name, Node *target) {
  /* A name that changed this often unsynced forgets a change in the middle. */
  if (name->count == TARGETS_MAX) name->count -= 1;
  name->target[name->count++] = target;
}

/* A file that was there before us is on the disk. */
static void load(Node *node, const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) return;
  unsigned char buffer[65536];
  size_t count;
  while ((count = fread(buffer, 1, sizeof buffer, file)) > 0)
    put(&node->image, &node->size, node->size, buffer, (int64_t)count);
  fclose(file);
}

static size_t folderLength(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) : 0;
}

static void syncNames(fault_vfs *vfs, const char *folder, size_t length) {
  for (Name *name = vfs->names; name; name = name->next) {
    if (folderLength(name->path) != length || strncmp(name->path, folder, length) != 0) continue;
    name->target[0] = name->target[name->count - 1];
    name->count = 1;
  }
}

/* ---- faults; all with the mutex held ---- */

/* Counts a change to the disk. True when the power is gone, or goes at this one. */
static int isCutNow(fault_vfs *vfs) {
  if (vfs->isCut) return 1;
  vfs->operations += 1;
  if (vfs->cutAt != 0 && vfs->operations >= vfs->cutAt) vfs->isCut = 1;
  return vfs->isCut;
}

/* The code this one fails with, or SQLITE_OK. */
static int injected(Fault *fault) {
  fault->seen += 1;
  return fault->seen >= fault->first && fault->seen < fault->end ? fault->code : SQLITE_OK;
}

/* ---- files ---- */

static sqlite3_file *real(sqlite3_file *file) { return ((File *)file)->real; }

static int faultClose(sqlite3_file *base) {
  File *file = (File *)base;
  int code = file->real->pMethods ? file->real->pMethods->xClose(file->real) : SQLITE_OK;
  pthread_mutex_lock(&file->owner->mutex);
  file->owner->openCount -= 1;
  pthread_mutex_unlock(&file->owner->mutex);
  free(file->path);
  return code;
}

static int faultRead(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
  return real(file)->pMethods->xRead(real(file), bytes, count, offset);
}

static int faultWrite(sqlite3_file *base, const void *bytes, int count, sqlite3_int64 offset) {
  File *file = (File *)base;
  if (!file->node) return file->real->pMethods->xWrite(file->real, bytes, count, offset);
  fault_vfs *vfs = file->owner;
  pthread_mutex_lock(&vfs->mutex);
  int wasCut = vfs->isCut;
  int code = isCutNow(vfs) ? SQLITE_IOERR_WRITE : injected(&vfs->write);
  int written = code == SQLITE_OK || vfs->isCut ? count : count / 2;
  /* The write during which the power goes may still reach the disk. */
  if (!wasCut) record(file->node, offset, bytes, written);
  pthread_mutex_unlock(&vfs->mutex);
  if (wasCut) return code;
  int result = file->real->pMethods->xWrite(file->real, bytes, written, offset);
  return code != SQLITE_OK ? code : result;
}

static int faultTruncate(sqlite3_file *base, sqlite3_int64 size) {
  File *file = (File *)base;
  if (!file->node) return file->real->pMethods->xTruncate(file->real, size);
  fault_vfs *vfs = file->owner;
  pthread_mutex_lock(&vfs->mutex);
  int wasCut = vfs->isCut;
  int cut = isCutNow(vfs);
  if (!wasCut) record(file->node, size, NULL, -1);
  pthread_mutex_unlock(&vfs->mutex);
  return cut ? SQLITE_IOERR_TRUNCATE : file->real->pMethods->xTruncate(file->real, size);
}

static int faultSync(sqlite3_file *base, int flags) {
  (void)flags;
  File *file = (File *)base;
  if (!file->node) return SQLITE_OK;
  fault_vfs *vfs = file->owner;
  pthread_mutex_lock(&vfs->mutex);
  int code = SQLITE_IOERR_FSYNC;
  if (!isCutNow(vfs)) {
    code = injected(&vfs->sync);
    if (code != SQLITE_OK) loseHalf(file->node, &vfs->random);
    else syncNode(file->node);
    if (code == SQLITE_OK && file->syncsFolder) {
      syncNames(vfs, file->path, folderLength(file->path));
      file->syncsFolder = 0;
    }
  }
  pthread_mutex_unlock(&vfs->mutex);
  return code;
}

static int faultFileSize(sqlite3_file *file, sqlite3_int64 *size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}

static int faultLock(sqlite3_file *file, int level) { return real(file)->pMethods->xLock(real(file), level); }
static int faultUnlock(sqlite3_file *file, int level) { return real(file)->pMethods->xUnlock(real(file), level); }

static int faultCheckReservedLock(sqlite3_file *file, int *result) {
  return real(file)->pMethods->xCheckReservedLock(real(file), result);
}

static int faultFileControl(sqlite3_file *file, int operation, void *argument) {
  return real(file)->pMethods->xFileControl(real(file), operation, argument);
}

static int faultSectorSize(sqlite3_file *file) { return real(file)->pMethods->xSectorSize(real(file)); }

static int faultDeviceCharacteristics(sqlite3_file *file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int faultShmMap(sqlite3_file *file, int page, int size, int extend, void volatile **out) {
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
}

static int faultShmLock(sqlite3_file *file, int offset, int count, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}

static void faultShmBarrier(sqlite3_file *file) { real(file)->pMethods->xShmBarrier(real(file)); }

static int faultShmUnmap(sqlite3_file *file, int deletes) {
  return real(file)->pMethods->xShmUnmap(real(file), deletes);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = faultClose,
    .xRead = faultRead,
    .xWrite = faultWrite,
    .xTruncate = faultTruncate,
    .xSync = faultSync,
    .xFileSize = faultFileSize,
    .xLock = faultLock,
    .xUnlock = faultUnlock,
    .xCheckReservedLock = faultCheckReservedLock,
    .xFileControl = faultFileControl,
    .xSectorSize = faultSectorSize,
    .xDeviceCharacteristics = faultDeviceCharacteristics,
    .xShmMap = faultShmMap,
    .xShmLock = faultShmLock,
    .xShmBarrier = faultShmBarrier,
    .xShmUnmap = faultShmUnmap,
};

/* ---- the VFS ---- */

static fault_vfs *self(sqlite3_vfs *vfs) { return (fault_vfs *)vfs->pAppData; }

/* The node behind a name; makes both where the open creates the file. Null when the power is gone. */
static Node *openNode(fault_vfs *vfs, const char *path, int exists, int flags, int *isNew) {
  Name *name = findName(vfs, path);
  *isNew = 0;
  if (!name) {
    name = addName(vfs, path);
    if (exists) {
      name->target[0] = addNode(vfs);
      load(name->target[0], path);
    }
  }
  Node *node = name->target[name->count - 1];
  if (node || !(flags & SQLITE_OPEN_CREATE)) return node;
  if (isCutNow(vfs)) return NULL;
  *isNew = 1;
  node = addNode(vfs);
  lead(name, node);
  return node;
}

static int faultOpen(sqlite3_vfs *base, sqlite3_filename path, sqlite3_file *opened, int flags, int *outFlags) {
  fault_vfs *vfs = self(base);
  File *file = (File *)opened;
  memset(file, 0, sizeof(File));
  file->owner = vfs;
  file->real = (sqlite3_file *)(file + 1);
  int isLog = flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL);
  if (path && (isLog || flags & SQLITE_OPEN_MAIN_DB)) {
    int isNew;
    pthread_mutex_lock(&vfs->mutex);
    file->node = openNode(vfs, path, access(path, F_OK) == 0, flags, &isNew);
    pthread_mutex_unlock(&vfs->mutex);
    if (!file->node) return SQLITE_CANTOPEN;
    file->syncsFolder = isNew && isLog;
    file->path = strdup(path);
  }
  int code = vfs->real->xOpen(vfs->real, path, file->real, flags, outFlags);
  if (code != SQLITE_OK) {
    free(file->path);
    return code;
  }
  pthread_mutex_lock(&vfs->mutex);
  vfs->openCount += 1;
  pthread_mutex_unlock(&vfs->mutex);
  file->base.pMethods = &methods;
  return SQLITE_OK;
}

static int faultDelete(sqlite3_vfs *base, const char *path, int syncFolder) {
  fault_vfs *vfs = self(base);
  pthread_mutex_lock(&vfs->mutex);
  int cut = isCutNow(vfs);
  Name *name = findName(vfs, path);
  if (!cut && name) {
    lead(name, NULL);
    if (syncFolder) syncNames(vfs, path, folderLength(path));
  }
  pthread_mutex_unlock(&vfs->mutex);
  return cut ? SQLITE_IOERR_DELETE : vfs->real->xDelete(vfs->real, path, 0);
}

static int faultAccess(sqlite3_vfs *base, const char *path, int flags, int *result) {
  return self(base)->real->xAccess(self(base)->real, path, flags, result);
}

static int faultFullPathname(sqlite3_vfs *base, const char *path, int count, char *out) {
  return self(base)->real->xFullPathname(self(base)->real, path, count, out);
}

fault_vfs *fault_vfs_register(const char *name) {
  sqlite3_initialize();
  fault_vfs *vfs = calloc(1, sizeof(fault_vfs));
  if (!vfs) return NULL;
  vfs->real = sqlite3_vfs_find(NULL);
  vfs->vfs = *vfs->real;
  vfs->vfs.szOsFile = (int)sizeof(File) + vfs->real->szOsFile;
  vfs->vfs.pNext = NULL;
  vfs->vfs.zName = strdup(name);
  vfs->vfs.pAppData = vfs;
  vfs->vfs.xOpen = faultOpen;
  vfs->vfs.xDelete = faultDelete;
  vfs->vfs.xAccess = faultAccess;
  vfs->vfs.xFullPathname = faultFullPathname;
  pthread_mutex_init(&vfs->mutex, NULL);
  if (vfs->vfs.zName && sqlite3_vfs_register(&vfs->vfs, 0) == SQLITE_OK) return vfs;
  free((char *)vfs->vfs.zName);
  free(vfs);
  return NULL;
}

void fault_vfs_unregister(fault_vfs *vfs) {
  sqlite3_vfs_unregister(&vfs->vfs);
  if (vfs->openCount > 0) return;
  while (vfs->nodes) {
    Node *node = vfs->nodes;
    vfs->nodes = node->next;
    clearChanges(node);
    free(node->image);
    free(node);
  }
  while (vfs->names) {
    Name *name = vfs->names;
    vfs->names = name->next;
    free(name->path);
    free(name);
  }
  pthread_mutex_destroy(&vfs->mutex);
  free((char *)vfs->vfs.zName);
  free(vfs);
}

/* ---- what tests ask for ---- */

int64_t fault_vfs_operations(fault_vfs *vfs) {
  pthread_mutex_lock(&vfs->mutex);
  int64_t count = vfs->operations;
  pthread_mutex_unlock(&vfs->mutex);
  return count;
}

void fault_vfs_cut_at(fault_vfs *vfs, int64_t k) {
  pthread_mutex_lock(&vfs->mutex);
  vfs->cutAt = vfs->operations + k;
  pthread_mutex_unlock(&vfs->mutex);
}

void fault_vfs_cut(fault_vfs *vfs) {
  pthread_mutex_lock(&vfs->mutex);
  vfs->isCut = 1;
  pthread_mutex_unlock(&vfs->mutex);
}

int fault_vfs_is_cut(fault_vfs *vfs) {
  pthread_mutex_lock(&vfs->mutex);
  int cut = vfs->isCut;
  pthread_mutex_unlock(&vfs->mutex);
  return cut;
}

static Fault *faultOf(fault_vfs *vfs, int kind) { return kind == FAULT_WRITE ? &vfs->write : &vfs->sync; }

void fault_vfs_fail(fault_vfs *vfs, int kind, int64_t k, int64_t count, int code) {
  pthread_mutex_lock(&vfs->mutex);
  Fault *fault = faultOf(vfs, kind);
  fault->first = fault->seen + k;
  fault->end = fault->first + count;
  fault->code = code;
  pthread_mutex_unlock(&vfs->mutex);
}

int64_t fault_vfs_count(fault_vfs *vfs, int kind) {
  pthread_mutex_lock(&vfs->mutex);
  int64_t count = faultOf(vfs, kind)->seen;
  pthread_mutex_unlock(&vfs->mutex);
  return count;
}

int fault_vfs_sync_folder(fault_vfs *vfs, const char *folder) {
  pthread_mutex_lock(&vfs->mutex);
  int code = SQLITE_IOERR_DIR_FSYNC;
  if (!isCutNow(vfs) && (code = injected(&vfs->sync)) == SQLITE_OK) syncNames(vfs, folder, strlen(folder));
  pthread_mutex_unlock(&vfs->mutex);
  return code;
}

/* What the cut made of one write. */
static void tear(unsigned char **image, int64_t *size, const Change *change, uint64_t *random) {
  int64_t sector = chance(random, 50) ? 512 : 4096;
  int noise = chance(random, 30);
  int64_t position = change->offset, end = change->offset + change->length;
  while (position < end) {
    int64_t stop = (position / sector + 1) * sector;
    if (stop > end) stop = end;
    if (chance(random, 50)) {
      put(image, size, position, change->bytes + (position - change->offset), stop - position);
    } else if (noise && chance(random, 50)) {
      for (int64_t i = position; i < stop; i++) {
        unsigned char byte = (unsigned char)next(random);
        put(image, size, i, &byte, 1);
      }
    }
    position = stop;
  }
}

static int writeFile(const char *folder, const char *path, const unsigned char *bytes, int64_t size) {
  const char *slash = strrchr(path, '/');
  char target[4096];
  snprintf(target, sizeof target, "%s/%s", folder, slash ? slash + 1 : path);
  FILE *file = fopen(target, "wb");
  if (!file) return 0;
  size_t written = size > 0 ? fwrite(bytes, 1, (size_t)size, file) : 0;
  return fclose(file) == 0 && written == (size_t)size;
}

static int materialise(const Node *node, const char *folder, const char *path, int drop, int torn, uint64_t *random) {
  unsigned char *image = NULL;
  int64_t size = 0;
  if (node->size > 0) put(&image, &size, 0, node->image, node->size);
  for (const Change *change = node->first; change; change = change->next) {
    if (chance(random, drop)) continue;
    if (change->length > 0 && chance(random, torn)) tear(&image, &size, change, random);
    else apply(&image, &size, change);
  }
  int ok = writeFile(folder, path, image, size);
  free(image);
  return ok;
}

int fault_vfs_materialise(fault_vfs *vfs, uint64_t seed, const char *folder) {
  static const int drops[] = {0, 10, 50, 90, 100}, tears[] = {0, 10, 50};
  uint64_t random = seed;
  int drop = drops[next(&random) % 5], torn = tears[next(&random) % 3], count = 0;
  pthread_mutex_lock(&vfs->mutex);
  for (Name *name = vfs->names; name && count >= 0; name = name->next) {
    const Node *node = name->target[next(&random) % (uint64_t)name->count];
    if (!node) continue;
    count = materialise(node, folder, name->path, drop, torn, &random) ? count + 1 : -1;
  }
  pthread_mutex_unlock(&vfs->mutex);
  return count;
}
