import Storage

/// The tables of a FHIR store, as migrations. The layout is explained in docs/internals/store.md.
enum StoreSchema {
  static let migrations: [Migration] = [
    Migration(
      1, "resources, history, change log and search index",
      sqlite: """
        -- Dictionaries: text to small numbers, read once and cached.
        CREATE TABLE resource_type (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        -- Search parameters by resource type. source: 0 for the release's own, else the key of the SearchParameter
        -- resource. state: 0 new resources are indexed for it, 1 all are and it answers, 2 it is no more and its index
        -- rows are being removed, 3 they are removed. since: the catalog's generation that brought it. A number means
        -- one definition forever.
        CREATE TABLE parameter (
          number INTEGER PRIMARY KEY, type TEXT NOT NULL, code TEXT NOT NULL, source INTEGER NOT NULL,
          state INTEGER NOT NULL, since INTEGER NOT NULL);
        CREATE UNIQUE INDEX parameter_name ON parameter (type, code) WHERE state < 2;
        CREATE INDEX parameter_source ON parameter (source) WHERE source <> 0 AND state < 3;
        -- SearchParameter resources in force, by key; definition: the resource.
        CREATE TABLE search_parameter (
          key INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, code TEXT NOT NULL, definition BLOB NOT NULL);
        CREATE INDEX search_parameter_code ON search_parameter (code);
        -- URLs of search parameters that are switched off.
        CREATE TABLE disabled_parameter (url TEXT PRIMARY KEY) WITHOUT ROWID;
        CREATE TABLE system (number INTEGER PRIMARY KEY, uri TEXT NOT NULL UNIQUE);
        CREATE TABLE setting (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;

        -- The newest version of each resource. Keys ascend in order of creation and never change.
        -- updated: milliseconds since 1970. method: 0 POST, 1 PUT, 2 PATCH, 3 DELETE (then there is no body).
        -- position: the version's row of the change log. indexed: the catalog's generation that its index rows are of,
        -- unless type_index knows a later one.
        -- body: zstd of the canonical JSON without meta.versionId and meta.lastUpdated, which are columns.
        CREATE TABLE resource (
          key INTEGER PRIMARY KEY,
          type INTEGER NOT NULL,
          id TEXT NOT NULL,
          version INTEGER NOT NULL,
          updated INTEGER NOT NULL,
          method INTEGER NOT NULL,
          position INTEGER NOT NULL,
          indexed INTEGER NOT NULL,
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

        -- The search index of newest versions only, clustered on the value: one condition is one range. Each table has
        -- a second order by key: what a resource at hand says, to sort by it, to follow it, or to test it.
        CREATE TABLE index_token (
          parameter INTEGER NOT NULL, system INTEGER NOT NULL, code TEXT NOT NULL, key INTEGER NOT NULL,
          PRIMARY KEY (parameter, system, code, key)) WITHOUT ROWID;
        CREATE INDEX index_token_key ON index_token (key, parameter);
        -- several: 1 where the resource has other values under the parameter, else 0.
        CREATE TABLE index_string (
          parameter INTEGER NOT NULL, folded TEXT NOT NULL, key INTEGER NOT NULL, text TEXT NOT NULL,
          several INTEGER NOT NULL, PRIMARY KEY (parameter, folded, key, text)) WITHOUT ROWID;
        CREATE INDEX index_string_key ON index_string (key, parameter);
        CREATE TABLE index_reference (
          parameter INTEGER NOT NULL, type INTEGER NOT NULL, id TEXT NOT NULL, key INTEGER NOT NULL,
          PRIMARY KEY (parameter, type, id, key)) WITHOUT ROWID;
        CREATE INDEX index_reference_key ON index_reference (key, parameter);
        -- class: length of the period and whether it is one of several (see DateClass), so that a search for what ends
        -- late, or between two dates, is a bounded range too.
        CREATE TABLE index_date (
          parameter INTEGER NOT NULL, class INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL,
          key INTEGER NOT NULL, PRIMARY KEY (parameter, class, low, high, key)) WITHOUT ROWID;
        CREATE INDEX index_date_key ON index_date (key, parameter);
        -- class: whether it is a range, and whether it is one of several (see NumberClass).
        CREATE TABLE index_number (
          parameter INTEGER NOT NULL, class INTEGER NOT NULL, low REAL NOT NULL, high REAL NOT NULL,
          key INTEGER NOT NULL, PRIMARY KEY (parameter, class, low, high, key)) WITHOUT ROWID;
        CREATE INDEX index_number_key ON index_number (key, parameter);
        -- Units are as written; a search in UCUM asks each unit that occurs and measures the same.
        CREATE TABLE index_quantity (
          parameter INTEGER NOT NULL, system INTEGER NOT NULL, code TEXT NOT NULL, class INTEGER NOT NULL,
          low REAL NOT NULL, high REAL NOT NULL, key INTEGER NOT NULL,
          PRIMARY KEY (parameter, system, code, class, low, high, key)) WITHOUT ROWID;
        CREATE INDEX index_quantity_key ON index_quantity (key, parameter);
        CREATE TABLE index_uri (
          parameter INTEGER NOT NULL, value TEXT NOT NULL, key INTEGER NOT NULL,
          PRIMARY KEY (parameter, value, key)) WITHOUT ROWID;
        CREATE INDEX index_uri_key ON index_uri (key, parameter);
        -- system2: a quantity that is a range has -1 less its unit's system, so that points are behind a tight bound.
        -- low2, high2: dates as integers, numbers as reals (no affinity, so neither is converted); '' where none.
        CREATE TABLE index_composite (
          parameter INTEGER NOT NULL,
          system1 INTEGER NOT NULL, code1 TEXT NOT NULL, system2 INTEGER NOT NULL, text2 TEXT NOT NULL,
          low2 NOT NULL, high2 NOT NULL, low3 NOT NULL, high3 NOT NULL, key INTEGER NOT NULL,
          PRIMARY KEY (parameter, system1, code1, system2, text2, low2, high2, low3, high3, key)) WITHOUT ROWID;
        CREATE INDEX index_composite_key ON index_composite (key, parameter);
        CREATE TABLE index_position (
          parameter INTEGER NOT NULL, latitude REAL NOT NULL, longitude REAL NOT NULL, key INTEGER NOT NULL,
          PRIMARY KEY (parameter, latitude, longitude, key)) WITHOUT ROWID;
        CREATE INDEX index_position_key ON index_position (key, parameter);
        -- Resources without a value under a parameter that is often sorted by: they come first in ascending order.
        CREATE TABLE index_missing (
          parameter INTEGER NOT NULL, key INTEGER NOT NULL, PRIMARY KEY (parameter, key)) WITHOUT ROWID;
        CREATE INDEX index_missing_key ON index_missing (key, parameter);

        -- Which systems (of dates and numbers: which classes), and which units with which classes occur under a
        -- parameter, so that a code without its system is a few seeks.
        CREATE TABLE parameter_system (
          parameter INTEGER NOT NULL, system INTEGER NOT NULL, PRIMARY KEY (parameter, system)) WITHOUT ROWID;
        CREATE TABLE parameter_unit (
          parameter INTEGER NOT NULL, system INTEGER NOT NULL, code TEXT NOT NULL, class INTEGER NOT NULL,
          PRIMARY KEY (parameter, system, code, class)) WITHOUT ROWID;
        -- What reindexing reached: every resource of the type is indexed for `generation` at least, and those up to the
        -- key `through` for `next`. So a job writes index rows and no resources.
        CREATE TABLE type_index (
          type INTEGER PRIMARY KEY, generation INTEGER NOT NULL, through INTEGER NOT NULL, next INTEGER NOT NULL);
        -- Jobs. status: 0 queued, 1 running, 2 completed, 3 failed, 4 canceled. last: the newest resource at its start.
        CREATE TABLE reindex_job (
          number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, status INTEGER NOT NULL, created INTEGER NOT NULL,
          started INTEGER, updated INTEGER NOT NULL, target INTEGER NOT NULL, last INTEGER NOT NULL,
          resources_per_query INTEGER NOT NULL, resources_per_write INTEGER NOT NULL, delay INTEGER NOT NULL,
          concurrency INTEGER NOT NULL, parameters TEXT NOT NULL, failures TEXT NOT NULL);
        CREATE UNIQUE INDEX reindex_job_active ON reindex_job ((1)) WHERE status < 2;
        -- A job's types with what is done; where it is in a type, type_index knows.
        CREATE TABLE reindex_progress (
          job INTEGER NOT NULL, type INTEGER NOT NULL, total INTEGER NOT NULL, done INTEGER NOT NULL,
          failed INTEGER NOT NULL, complete INTEGER NOT NULL, PRIMARY KEY (job, type)) WITHOUT ROWID;
        -- How many resources of a type there are, deleted ones left out: kept by every commit.
        CREATE TABLE resource_count (type INTEGER PRIMARY KEY, live INTEGER NOT NULL);

        -- Words of the newest versions, by resource key (as rowid), folded as index_string is. Empty until a search
        -- asks for it; from then on the row 'text-position' of setting says up to where the change log is in it.
        CREATE VIRTUAL TABLE resource_text USING fts5 (
          narrative, content, tokenize = 'unicode61 remove_diacritics 2');
        """,
      postgreSQL: """
        -- Columns are those of the SQLite form. Text is compared by its bytes (COLLATE "C"), as SQLite does. Numbers
        -- that count few things are integer or smallint: they stand in every index entry. A second order INCLUDEs what
        -- SQLite's tables WITHOUT ROWID give for free: probes read the index alone where the rows' pages are all
        -- visible.

        -- Dictionaries: text to small numbers, read once and cached.
        CREATE TABLE resource_type (number integer PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE);
        -- Search parameters by resource type; see the SQLite form.
        CREATE TABLE parameter (
          number integer PRIMARY KEY, type text COLLATE "C" NOT NULL, code text COLLATE "C" NOT NULL,
          source bigint NOT NULL, state smallint NOT NULL, since bigint NOT NULL);
        CREATE UNIQUE INDEX parameter_name ON parameter (type, code) WHERE state < 2;
        CREATE INDEX parameter_source ON parameter (source) WHERE source <> 0 AND state < 3;
        -- SearchParameter resources in force, by key; definition: the resource.
        CREATE TABLE search_parameter (
          key bigint PRIMARY KEY, url text COLLATE "C" NOT NULL UNIQUE, code text COLLATE "C" NOT NULL,
          definition bytea NOT NULL);
        CREATE INDEX search_parameter_code ON search_parameter (code);
        -- URLs of search parameters that are switched off.
        CREATE TABLE disabled_parameter (url text COLLATE "C" PRIMARY KEY);
        -- Numbers begin with 1; 0 is "none".
        CREATE TABLE system (
          number integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, uri text COLLATE "C" NOT NULL UNIQUE);
        -- A column has one type here: each setting has its value in one of three.
        CREATE TABLE setting (name text COLLATE "C" PRIMARY KEY, number bigint, text text COLLATE "C", bytes bytea);

        -- The newest version of each resource; see the SQLite form. body: zstd, so PostgreSQL need not try (EXTERNAL).
        CREATE TABLE resource (
          key bigint PRIMARY KEY,
          version bigint NOT NULL,
          updated bigint NOT NULL,
          position bigint NOT NULL,
          indexed bigint NOT NULL,
          type integer NOT NULL,
          method smallint NOT NULL,
          id text COLLATE "C" NOT NULL,
          body bytea);
        ALTER TABLE resource ALTER COLUMN body SET STORAGE EXTERNAL;
        -- References are followed by (type, id) to the key of what is there.
        CREATE UNIQUE INDEX resource_id ON resource (type, id) INCLUDE (key, method);
        CREATE INDEX resource_live ON resource (type, key) WHERE method <> 3;
        CREATE INDEX resource_updated ON resource (type, updated, key) WHERE method <> 3;

        -- Superseded versions and deletions.
        CREATE TABLE resource_history (
          key bigint NOT NULL,
          version bigint NOT NULL,
          updated bigint NOT NULL,
          position bigint NOT NULL,
          method smallint NOT NULL,
          body bytea,
          PRIMARY KEY (key, version));
        ALTER TABLE resource_history ALTER COLUMN body SET STORAGE EXTERNAL;

        -- One row for each version, in commit order; version 0: versions were removed for good.
        CREATE TABLE change_log (
          position bigint PRIMARY KEY,
          key bigint NOT NULL,
          version bigint NOT NULL,
          updated bigint NOT NULL,
          type integer NOT NULL);
        CREATE INDEX change_log_type ON change_log (type, position);

        -- The search index of newest versions only. The primary key is the order of the value: one condition is one
        -- range.
        CREATE TABLE index_token (
          parameter integer NOT NULL, system integer NOT NULL, code text COLLATE "C" NOT NULL, key bigint NOT NULL,
          PRIMARY KEY (parameter, system, code, key));
        CREATE INDEX index_token_key ON index_token (key, parameter) INCLUDE (system, code);
        -- The text as written may be longer than an index entry of PostgreSQL, so rows are told apart by its digest, in
        -- the second order. several: 1 where the resource has other values under the parameter, else 0. whole: the
        -- folded text where `folded` is its beginning only (IndexedText).
        CREATE TABLE index_string (
          parameter integer NOT NULL, several smallint NOT NULL, key bigint NOT NULL, folded text COLLATE "C" NOT NULL,
          text text COLLATE "C" NOT NULL, whole text COLLATE "C");
        CREATE INDEX index_string_value ON index_string (parameter, folded, key) INCLUDE (several);
        CREATE UNIQUE INDEX index_string_key ON index_string (key, parameter, md5(text)) INCLUDE (folded);
        CREATE TABLE index_reference (
          parameter integer NOT NULL, type integer NOT NULL, id text COLLATE "C" NOT NULL, key bigint NOT NULL,
          PRIMARY KEY (parameter, type, id, key));
        CREATE INDEX index_reference_key ON index_reference (key, parameter) INCLUDE (type, id);
        -- class: see DateClass.
        CREATE TABLE index_date (
          parameter integer NOT NULL, class smallint NOT NULL, low bigint NOT NULL, high bigint NOT NULL,
          key bigint NOT NULL,
          PRIMARY KEY (parameter, class, low, high, key));
        CREATE INDEX index_date_key ON index_date (key, parameter) INCLUDE (class, low, high);
        -- class: see NumberClass. Bounds without an end are -Infinity and Infinity.
        CREATE TABLE index_number (
          parameter integer NOT NULL, class smallint NOT NULL, low double precision NOT NULL,
          high double precision NOT NULL,
          key bigint NOT NULL, PRIMARY KEY (parameter, class, low, high, key));
        CREATE INDEX index_number_key ON index_number (key, parameter) INCLUDE (class, low, high);
        -- Units are as written; a search in UCUM asks each unit that occurs and measures the same.
        CREATE TABLE index_quantity (
          parameter integer NOT NULL, system integer NOT NULL, code text COLLATE "C" NOT NULL, class smallint NOT NULL,
          low double precision NOT NULL, high double precision NOT NULL, key bigint NOT NULL,
          PRIMARY KEY (parameter, system, code, class, low, high, key));
        CREATE INDEX index_quantity_key ON index_quantity (key, parameter) INCLUDE (system, code, class, low, high);
        CREATE TABLE index_uri (
          parameter integer NOT NULL, value text COLLATE "C" NOT NULL, key bigint NOT NULL,
          PRIMARY KEY (parameter, value, key));
        CREATE INDEX index_uri_key ON index_uri (key, parameter) INCLUDE (value);
        -- system2: a quantity that is a range has -1 less its unit's system.
        -- low2 … high3: dates and numbers as bytes in the order of their values (CompositeBound); empty where none.
        CREATE TABLE index_composite (
          parameter integer NOT NULL,
          system1 integer NOT NULL, code1 text COLLATE "C" NOT NULL, system2 integer NOT NULL,
          text2 text COLLATE "C" NOT NULL,
          low2 bytea NOT NULL, high2 bytea NOT NULL, low3 bytea NOT NULL, high3 bytea NOT NULL, key bigint NOT NULL,
          PRIMARY KEY (parameter, system1, code1, system2, text2, low2, high2, low3, high3, key));
        CREATE INDEX index_composite_key ON index_composite (key, parameter);
        CREATE TABLE index_position (
          parameter integer NOT NULL, latitude double precision NOT NULL, longitude double precision NOT NULL,
          key bigint NOT NULL, PRIMARY KEY (parameter, latitude, longitude, key));
        CREATE INDEX index_position_key ON index_position (key, parameter) INCLUDE (latitude, longitude);
        -- Resources without a value under a parameter that is often sorted by: they come first in ascending order.
        CREATE TABLE index_missing (parameter integer NOT NULL, key bigint NOT NULL, PRIMARY KEY (parameter, key));
        CREATE INDEX index_missing_key ON index_missing (key, parameter);

        -- Which systems or classes, and which units with which classes, occur under a parameter.
        CREATE TABLE parameter_system (
          parameter integer NOT NULL, system integer NOT NULL, PRIMARY KEY (parameter, system));
        CREATE TABLE parameter_unit (
          parameter integer NOT NULL, system integer NOT NULL, code text COLLATE "C" NOT NULL, class smallint NOT NULL,
          PRIMARY KEY (parameter, system, code, class));
        -- What reindexing reached; see the SQLite form.
        CREATE TABLE type_index (
          type integer PRIMARY KEY, generation bigint NOT NULL, through bigint NOT NULL, next bigint NOT NULL);
        -- Jobs. status: 0 queued, 1 running, 2 completed, 3 failed, 4 canceled. last: the newest resource at its start.
        CREATE TABLE reindex_job (
          number bigint PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE, status smallint NOT NULL,
          created bigint NOT NULL,
          started bigint, updated bigint NOT NULL, target bigint NOT NULL, last bigint NOT NULL,
          resources_per_query bigint NOT NULL, resources_per_write bigint NOT NULL, delay bigint NOT NULL,
          concurrency bigint NOT NULL, parameters text NOT NULL, failures text NOT NULL);
        CREATE UNIQUE INDEX reindex_job_active ON reindex_job ((1)) WHERE status < 2;
        -- A job's types with what is done; where it is in a type, type_index knows.
        CREATE TABLE reindex_progress (
          job bigint NOT NULL, type integer NOT NULL, total bigint NOT NULL, done bigint NOT NULL,
          failed bigint NOT NULL,
          complete smallint NOT NULL, PRIMARY KEY (job, type));
        -- How many resources of a type there are, deleted ones left out: kept by every commit. Every commit changes a
        -- row, so pages have room for the next one beside it.
        CREATE TABLE resource_count (type integer PRIMARY KEY, live bigint NOT NULL) WITH (fillfactor = 20);

        -- Words of the newest versions by resource key, taken apart by us (TextWords): PostgreSQL's parser and
        -- dictionaries have no part in it. Words of narratives have the weight A. The lengths are of the texts, for
        -- FullTextScore.
        CREATE TABLE resource_text (
          key bigint PRIMARY KEY, words tsvector NOT NULL, narrative_length integer NOT NULL,
          content_length integer NOT NULL);
        CREATE INDEX resource_text_words ON resource_text USING gin (words);

        -- Pages that VACUUM has seen are read by the index alone: it looks in after each fiftieth of a table's rows.
        ALTER TABLE index_token SET (autovacuum_vacuum_insert_scale_factor = 0.02);
        ALTER TABLE index_string SET (autovacuum_vacuum_insert_scale_factor = 0.02);
        ALTER TABLE index_reference SET (autovacuum_vacuum_insert_scale_factor = 0.02);
        ALTER TABLE index_date SET (autovacuum_vacuum_insert_scale_factor = 0.02);
        ALTER TABLE index_number SET (autovacuum_vacuum_insert_scale_factor = 0.02);
        ALTER TABLE index_quantity SET (autovacuum_vacuum_insert_scale_factor = 0.02);
        ALTER TABLE index_uri SET (autovacuum_vacuum_insert_scale_factor = 0.02);
        ALTER TABLE index_composite SET (autovacuum_vacuum_insert_scale_factor = 0.02);
        ALTER TABLE index_position SET (autovacuum_vacuum_insert_scale_factor = 0.02);
        ALTER TABLE index_missing SET (autovacuum_vacuum_insert_scale_factor = 0.02);
        ALTER TABLE resource SET (autovacuum_vacuum_insert_scale_factor = 0.02);
        """),
    Migration(
      2, "contained resources",
      sqlite: """
        -- Resources that live inside others. key: see ContainedKey; what they say is in the index under this key, and
        -- under numbers of parameters of their own. container: the type of what they are in.
        CREATE TABLE contained (
          key INTEGER PRIMARY KEY, type INTEGER NOT NULL, container INTEGER NOT NULL, id TEXT NOT NULL);
        CREATE INDEX contained_type ON contained (type);
        CREATE INDEX contained_container ON contained (container, type);
        """,
      postgreSQL: """
        -- Resources that live inside others; see the SQLite form.
        CREATE TABLE contained (
          key bigint PRIMARY KEY, type integer NOT NULL, container integer NOT NULL, id text COLLATE "C" NOT NULL);
        CREATE INDEX contained_type ON contained (type, key);
        CREATE INDEX contained_container ON contained (container, type);
        """),
  ]
}
