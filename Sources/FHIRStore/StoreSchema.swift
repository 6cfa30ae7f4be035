import Storage

/// The tables of a FHIR store, as migrations. The layout is explained in docs/internals/store.md.
enum StoreSchema {
  static let migrations: [Migration] = [
    Migration(
      1, "resources, history, change log and index",
      sqlite: """
        -- Dictionaries: text to small numbers, read once and cached.
        CREATE TABLE resource_type (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE parameter (
          number INTEGER PRIMARY KEY, type TEXT NOT NULL, code TEXT NOT NULL, UNIQUE (type, code));
        CREATE TABLE system (number INTEGER PRIMARY KEY, uri TEXT NOT NULL UNIQUE);
        CREATE TABLE setting (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;

        -- The newest version of each resource. Keys ascend in order of creation and never change.
        -- updated: milliseconds since 1970. method: 0 POST, 1 PUT, 2 PATCH, 3 DELETE (then there is no body).
        -- position: the version's row of the change log.
        -- body: zstd of the canonical JSON without meta.versionId and meta.lastUpdated, which are columns.
        CREATE TABLE resource (
          key INTEGER PRIMARY KEY,
          type INTEGER NOT NULL,
          id TEXT NOT NULL,
          version INTEGER NOT NULL,
          updated INTEGER NOT NULL,
          method INTEGER NOT NULL,
          position INTEGER NOT NULL,
          body BLOB);
        CREATE UNIQUE INDEX resource_id ON resource (type, id);
        CREATE INDEX resource_live ON resource (type) WHERE method <> 3;
        CREATE INDEX resource_updated ON resource (type, updated) WHERE method <> 3;

        -- Superseded versions and deletions.
        CREATE TABLE resource_history (
          key INTEGER NOT NULL,
          version INTEGER NOT NULL,
          updated INTEGER NOT NULL,
          method INTEGER NOT NULL,
          position INTEGER NOT NULL,
          body BLOB,
          UNIQUE (key, version));

        -- One row for each version, in commit order; what tails the store reads this by position. Version 0 says
        -- that versions were removed for good, and their rows with them.
        CREATE TABLE change_log (
          position INTEGER PRIMARY KEY,
          key INTEGER NOT NULL,
          type INTEGER NOT NULL,
          version INTEGER NOT NULL,
          updated INTEGER NOT NULL);
        CREATE INDEX change_log_type ON change_log (type);

        -- The search index of newest versions only, clustered on the value: one condition is one range.
        CREATE TABLE index_token (
          parameter INTEGER NOT NULL, system INTEGER NOT NULL, code TEXT NOT NULL, key INTEGER NOT NULL,
          PRIMARY KEY (parameter, system, code, key)) WITHOUT ROWID;
        CREATE TABLE index_string (
          parameter INTEGER NOT NULL, folded TEXT NOT NULL, key INTEGER NOT NULL, text TEXT NOT NULL,
          PRIMARY KEY (parameter, folded, key, text)) WITHOUT ROWID;
        CREATE TABLE index_reference (
          parameter INTEGER NOT NULL, type INTEGER NOT NULL, id TEXT NOT NULL, key INTEGER NOT NULL,
          PRIMARY KEY (parameter, type, id, key)) WITHOUT ROWID;
        -- span: the class of high - low (see DateSpan), so that a search for what ends late is a bounded range too.
        CREATE TABLE index_date (
          parameter INTEGER NOT NULL, span INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL,
          key INTEGER NOT NULL, PRIMARY KEY (parameter, span, low, high, key)) WITHOUT ROWID;
        CREATE TABLE index_number (
          parameter INTEGER NOT NULL, low REAL NOT NULL, high REAL NOT NULL, key INTEGER NOT NULL,
          PRIMARY KEY (parameter, low, high, key)) WITHOUT ROWID;
        CREATE TABLE index_quantity (
          parameter INTEGER NOT NULL, system INTEGER NOT NULL, code TEXT NOT NULL,
          low REAL NOT NULL, high REAL NOT NULL, key INTEGER NOT NULL,
          PRIMARY KEY (parameter, system, code, low, high, key)) WITHOUT ROWID;
        CREATE TABLE index_uri (
          parameter INTEGER NOT NULL, value TEXT NOT NULL, key INTEGER NOT NULL,
          PRIMARY KEY (parameter, value, key)) WITHOUT ROWID;
        -- low2, high2: dates as integers, numbers as reals (no affinity, so neither is converted); '' where none.
        CREATE TABLE index_composite (
          parameter INTEGER NOT NULL,
          system1 INTEGER NOT NULL, code1 TEXT NOT NULL, system2 INTEGER NOT NULL, text2 TEXT NOT NULL,
          low2 NOT NULL, high2 NOT NULL, low3 NOT NULL, high3 NOT NULL, key INTEGER NOT NULL,
          PRIMARY KEY (parameter, system1, code1, system2, text2, low2, high2, low3, high3, key)) WITHOUT ROWID;
        CREATE TABLE index_position (
          parameter INTEGER NOT NULL, latitude REAL NOT NULL, longitude REAL NOT NULL, key INTEGER NOT NULL,
          PRIMARY KEY (parameter, latitude, longitude, key)) WITHOUT ROWID;

        -- Which systems (and units) occur under a parameter, so that a code without its system is a few seeks.
        CREATE TABLE parameter_system (
          parameter INTEGER NOT NULL, system INTEGER NOT NULL, PRIMARY KEY (parameter, system)) WITHOUT ROWID;
        CREATE TABLE parameter_unit (
          parameter INTEGER NOT NULL, system INTEGER NOT NULL, code TEXT NOT NULL,
          PRIMARY KEY (parameter, system, code)) WITHOUT ROWID;
        """,
      // The second engine comes with its own dialect of the same tables.
      postgreSQL: "")
  ]
}
