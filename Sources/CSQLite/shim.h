#include <sqlite3.h>

/// Memory is not counted: the counters are one lock for all threads. To be called before any other function; later it
/// does nothing and returns SQLITE_MISUSE. (`sqlite3_config` itself takes a variable number of arguments.)
static inline int csqlite_count_no_memory(void) { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }
