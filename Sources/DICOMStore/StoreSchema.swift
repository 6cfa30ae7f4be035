import Storage

/// The tables of a DICOM store, as migrations. The layout is explained in docs/internals/dicom-store.md.
enum StoreSchema {
  static let migrations: [Migration] = [
    Migration(
      1, "partitions, studies, series, instances and change feed",
      sqlite: """
        -- Data partitions: the same UIDs may be in each of them once. created: milliseconds since 1970.
        CREATE TABLE data_partition (
          number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL);
        -- UIDs of SOP classes and transfer syntaxes as small numbers.
        CREATE TABLE uid (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);

        -- Keys of all three levels come from the change feed's sequence: an instance's key, its watermark, is that of
        -- the entry that tells of it; a study's and a series' is its first instance's. So they ascend in the order of
        -- commits and none is ever used twice.

        -- newest: the watermark of its newest instance. modalities: of its series, ascending, between backslashes.
        -- Text columns are folded (lower case; names also without accents), null where there is no value. Dates are
        -- yyyymmdd, times microseconds since midnight.
        -- attributes: those of the newest instance that searches answer, as finished JSON (AttributeList).
        CREATE TABLE study (
          key INTEGER PRIMARY KEY,
          partition INTEGER NOT NULL,
          uid TEXT NOT NULL,
          newest INTEGER NOT NULL,
          series_count INTEGER NOT NULL,
          instance_count INTEGER NOT NULL,
          modalities TEXT NOT NULL,
          patient_id TEXT,
          patient_name TEXT,
          patient_birth_date INTEGER,
          study_date INTEGER,
          study_time INTEGER,
          accession_number TEXT,
          study_id TEXT,
          study_description TEXT,
          referring_physician_name TEXT,
          attributes BLOB NOT NULL);
        CREATE UNIQUE INDEX study_uid ON study (partition, uid);
        -- An index of a table with a rowid ends in it, so each of these has its entries in the order of the keys
        -- (PostgreSQL: with key as one more column).
        CREATE INDEX study_partition ON study (partition);
        CREATE INDEX study_patient_id ON study (partition, patient_id);
        CREATE INDEX study_patient_birth_date ON study (partition, patient_birth_date);
        CREATE INDEX study_study_date ON study (partition, study_date);
        CREATE INDEX study_accession_number ON study (partition, accession_number);
        CREATE INDEX study_study_id ON study (partition, study_id);
        CREATE INDEX study_study_description ON study (partition, study_description);

        CREATE TABLE series (
          key INTEGER PRIMARY KEY,
          partition INTEGER NOT NULL,
          study INTEGER NOT NULL,
          uid TEXT NOT NULL,
          newest INTEGER NOT NULL,
          instance_count INTEGER NOT NULL,
          modality TEXT,
          series_number INTEGER,
          performed_date INTEGER,
          performed_time INTEGER,
          manufacturer_model_name TEXT,
          -- Of all items of RequestAttributesSequence, between backslashes.
          scheduled_procedure_step_id TEXT,
          requested_procedure_id TEXT,
          attributes BLOB NOT NULL);
        CREATE UNIQUE INDEX series_uid ON series (partition, uid, study);
        CREATE INDEX series_study ON series (study);
        CREATE INDEX series_partition ON series (partition);
        CREATE INDEX series_modality ON series (partition, modality);
        CREATE INDEX series_performed_date ON series (partition, performed_date);
        CREATE INDEX series_manufacturer_model_name ON series (partition, manufacturer_model_name);

        -- bytes: of the file. frames: how many there are. digest: XXH64 of the file.
        -- blob: the file's name in the blob store, null where instance_content has it.
        CREATE TABLE instance (
          key INTEGER PRIMARY KEY,
          partition INTEGER NOT NULL,
          study INTEGER NOT NULL,
          series INTEGER NOT NULL,
          uid TEXT NOT NULL,
          sop_class INTEGER NOT NULL,
          transfer_syntax INTEGER NOT NULL,
          bytes INTEGER NOT NULL,
          frames INTEGER NOT NULL,
          digest INTEGER NOT NULL,
          blob TEXT,
          instance_number INTEGER,
          attributes BLOB NOT NULL);
        CREATE UNIQUE INDEX instance_uid ON instance (partition, uid, series);
        CREATE INDEX instance_study ON instance (study);
        CREATE INDEX instance_series ON instance (series);
        CREATE INDEX instance_partition ON instance (partition);
        CREATE INDEX instance_sop_class ON instance (partition, sop_class);
        CREATE INDEX instance_blob ON instance (blob) WHERE blob IS NOT NULL;

        -- bulk: a BulkDataList, frames: a FrameTable, null where there are none. body: zstd of the finished DICOM JSON
        -- without streams of bytes; last, so that reading the others touches no page of it.
        CREATE TABLE instance_metadata (
          key INTEGER PRIMARY KEY, bulk BLOB, frames BLOB, body BLOB NOT NULL);

        -- Files of small instances.
        CREATE TABLE instance_content (key INTEGER PRIMARY KEY, bytes BLOB NOT NULL);

        -- Values that a study or series has several of (see Term): components and words of names, modalities of a
        -- study, procedure IDs of a series. Clustered on the value: one condition is one range.
        CREATE TABLE term (
          partition INTEGER NOT NULL, attribute INTEGER NOT NULL, text TEXT NOT NULL, key INTEGER NOT NULL,
          PRIMARY KEY (partition, attribute, text, key)) WITHOUT ROWID;

        -- One entry for each instance stored, replaced or deleted, in the order of commits, kept for good.
        -- timestamp: milliseconds since 1970, never descending. action: 0 Create, 1 Update, 2 Delete. watermark: the
        -- instance's that it tells of.
        CREATE TABLE change_feed (
          sequence INTEGER PRIMARY KEY,
          timestamp INTEGER NOT NULL,
          action INTEGER NOT NULL,
          partition INTEGER NOT NULL,
          watermark INTEGER NOT NULL,
          study_uid TEXT NOT NULL,
          series_uid TEXT NOT NULL,
          instance_uid TEXT NOT NULL);
        CREATE INDEX change_feed_timestamp ON change_feed (timestamp);

        -- Blobs of deleted instances, to be removed when they are due (milliseconds since 1970).
        CREATE TABLE blob_removal (blob TEXT PRIMARY KEY, due INTEGER NOT NULL) WITHOUT ROWID;
        CREATE INDEX blob_removal_due ON blob_removal (due);
        """,
      postgreSQL: """
        -- Columns are those of the SQLite form, where each is explained. Text is compared by its bytes (COLLATE "C").

        CREATE TABLE data_partition (
          number integer PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE, created bigint NOT NULL);
        -- Numbers are given by the database, so that two nodes never give the same.
        CREATE TABLE uid (
          number integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, text text COLLATE "C" NOT NULL UNIQUE);

        CREATE TABLE study (
          key bigint PRIMARY KEY,
          newest bigint NOT NULL,
          series_count bigint NOT NULL,
          instance_count bigint NOT NULL,
          study_time bigint,
          partition integer NOT NULL,
          patient_birth_date integer,
          study_date integer,
          uid text COLLATE "C" NOT NULL,
          modalities text COLLATE "C" NOT NULL,
          patient_id text COLLATE "C",
          patient_name text COLLATE "C",
          accession_number text COLLATE "C",
          study_id text COLLATE "C",
          study_description text COLLATE "C",
          referring_physician_name text COLLATE "C",
          attributes bytea NOT NULL);
        CREATE UNIQUE INDEX study_uid ON study (partition, uid);
        -- Each has its entries in the order of the keys.
        CREATE INDEX study_partition ON study (partition, key);
        CREATE INDEX study_patient_id ON study (partition, patient_id, key);
        CREATE INDEX study_patient_birth_date ON study (partition, patient_birth_date, key);
        CREATE INDEX study_study_date ON study (partition, study_date, key);
        CREATE INDEX study_accession_number ON study (partition, accession_number, key);
        CREATE INDEX study_study_id ON study (partition, study_id, key);
        CREATE INDEX study_study_description ON study (partition, study_description, key);

        CREATE TABLE series (
          key bigint PRIMARY KEY,
          study bigint NOT NULL,
          newest bigint NOT NULL,
          instance_count bigint NOT NULL,
          series_number bigint,
          performed_time bigint,
          partition integer NOT NULL,
          performed_date integer,
          uid text COLLATE "C" NOT NULL,
          modality text COLLATE "C",
          manufacturer_model_name text COLLATE "C",
          scheduled_procedure_step_id text COLLATE "C",
          requested_procedure_id text COLLATE "C",
          attributes bytea NOT NULL);
        CREATE UNIQUE INDEX series_uid ON series (partition, uid, study);
        CREATE INDEX series_study ON series (study, key);
        CREATE INDEX series_partition ON series (partition, key);
        CREATE INDEX series_modality ON series (partition, modality, key);
        CREATE INDEX series_performed_date ON series (partition, performed_date, key);
        CREATE INDEX series_manufacturer_model_name ON series (partition, manufacturer_model_name, key);

        CREATE TABLE instance (
          key bigint PRIMARY KEY,
          study bigint NOT NULL,
          series bigint NOT NULL,
          bytes bigint NOT NULL,
          frames bigint NOT NULL,
          digest bigint NOT NULL,
          instance_number bigint,
          partition integer NOT NULL,
          sop_class integer NOT NULL,
          transfer_syntax integer NOT NULL,
          uid text COLLATE "C" NOT NULL,
          blob text COLLATE "C",
          attributes bytea NOT NULL);
        CREATE UNIQUE INDEX instance_uid ON instance (partition, uid, series);
        CREATE INDEX instance_study ON instance (study, key);
        CREATE INDEX instance_series ON instance (series, key);
        CREATE INDEX instance_partition ON instance (partition, key);
        CREATE INDEX instance_sop_class ON instance (partition, sop_class, key);
        CREATE INDEX instance_blob ON instance (blob) WHERE blob IS NOT NULL;

        -- body: zstd, and bytes: mostly compressed, so PostgreSQL need not try (EXTERNAL).
        CREATE TABLE instance_metadata (key bigint PRIMARY KEY, bulk bytea, frames bytea, body bytea NOT NULL);
        ALTER TABLE instance_metadata ALTER COLUMN body SET STORAGE EXTERNAL;
        CREATE TABLE instance_content (key bigint PRIMARY KEY, bytes bytea NOT NULL);
        ALTER TABLE instance_content ALTER COLUMN bytes SET STORAGE EXTERNAL;

        CREATE TABLE term (
          partition integer NOT NULL, attribute smallint NOT NULL, text text COLLATE "C" NOT NULL, key bigint NOT NULL,
          PRIMARY KEY (partition, attribute, text, key));

        CREATE TABLE change_feed (
          sequence bigint PRIMARY KEY,
          timestamp bigint NOT NULL,
          watermark bigint NOT NULL,
          partition integer NOT NULL,
          action smallint NOT NULL,
          study_uid text COLLATE "C" NOT NULL,
          series_uid text COLLATE "C" NOT NULL,
          instance_uid text COLLATE "C" NOT NULL);
        CREATE INDEX change_feed_timestamp ON change_feed (timestamp, sequence);

        CREATE TABLE blob_removal (blob text COLLATE "C" PRIMARY KEY, due bigint NOT NULL);
        CREATE INDEX blob_removal_due ON blob_removal (due);
        """)
  ]
}
