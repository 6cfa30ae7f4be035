import Storage

/// The tables of an issuer, as migrations. Times are milliseconds since 1970. What would let somebody in is kept as its
/// SHA-256 only (base64url): codes, refresh tokens, cookies, launch handles.
enum IssuerSchema {
  static let migrations: [Migration] = [
    Migration(
      1, "accounts, apps, keys, sessions, grants, codes, refresh tokens and launches",
      sqlite: """
        -- roles: one on each line.
        CREATE TABLE account (
          id TEXT PRIMARY KEY,
          name TEXT NOT NULL UNIQUE,
          display_name TEXT,
          fhir_user TEXT,
          roles TEXT NOT NULL,
          password TEXT NOT NULL,
          created INTEGER NOT NULL) WITHOUT ROWID;

        -- method: none, client_secret or private_key_jwt. credential: what it is checked with. Lists: one on each line.
        CREATE TABLE app (
          id TEXT PRIMARY KEY,
          name TEXT NOT NULL,
          method TEXT NOT NULL,
          credential TEXT,
          redirect_uris TEXT NOT NULL,
          logout_uris TEXT NOT NULL,
          scopes TEXT NOT NULL,
          roles TEXT NOT NULL,
          is_trusted INTEGER NOT NULL,
          created INTEGER NOT NULL) WITHOUT ROWID;
        -- Origins of the pages that may call the token endpoint.
        CREATE TABLE app_origin (
          origin TEXT NOT NULL, app TEXT NOT NULL, PRIMARY KEY (origin, app)) WITHOUT ROWID;

        -- pem: PKCS #8. signs_from: from when on it signs, until the next one does.
        CREATE TABLE signing_key (
          id TEXT PRIMARY KEY, pem TEXT NOT NULL, created INTEGER NOT NULL, signs_from INTEGER NOT NULL) WITHOUT ROWID;

        CREATE TABLE login_session (
          hash TEXT PRIMARY KEY,
          account TEXT NOT NULL,
          authenticated INTEGER NOT NULL,
          expires INTEGER NOT NULL) WITHOUT ROWID;
        CREATE INDEX login_session_account ON login_session (account);
        CREATE INDEX login_session_expires ON login_session (expires);

        -- What somebody allowed an app, or an app has by itself (account is null). audiences: one on each line.
        -- context: JSON of the launch. session: that a grant with online_access ends with.
        CREATE TABLE access_grant (
          id TEXT PRIMARY KEY,
          app TEXT NOT NULL,
          account TEXT,
          scopes TEXT NOT NULL,
          audiences TEXT NOT NULL,
          context TEXT NOT NULL,
          session TEXT,
          authenticated INTEGER NOT NULL,
          expires INTEGER NOT NULL,
          is_revoked INTEGER NOT NULL) WITHOUT ROWID;
        CREATE INDEX access_grant_account ON access_grant (account);
        CREATE INDEX access_grant_app ON access_grant (app);
        CREATE INDEX access_grant_expires ON access_grant (expires);

        -- Used codes and refresh tokens stay until they expire, so that a second use is noticed.
        CREATE TABLE authorization_code (
          hash TEXT PRIMARY KEY,
          access_grant TEXT NOT NULL,
          redirect_uri TEXT NOT NULL,
          challenge TEXT,
          nonce TEXT,
          expires INTEGER NOT NULL,
          is_used INTEGER NOT NULL) WITHOUT ROWID;
        CREATE INDEX authorization_code_expires ON authorization_code (expires);

        CREATE TABLE refresh_token (
          hash TEXT PRIMARY KEY,
          access_grant TEXT NOT NULL,
          expires INTEGER NOT NULL,
          is_used INTEGER NOT NULL) WITHOUT ROWID;
        CREATE INDEX refresh_token_expires ON refresh_token (expires);

        -- An EHR's launch of an app. app, account: null where anyone may take it up.
        CREATE TABLE launch (
          hash TEXT PRIMARY KEY,
          app TEXT,
          account TEXT,
          context TEXT NOT NULL,
          expires INTEGER NOT NULL) WITHOUT ROWID;
        CREATE INDEX launch_expires ON launch (expires);
        """,
      postgreSQL: """
        -- Columns are those of the SQLite form, where each is explained. Text is compared by its bytes (COLLATE "C").
        CREATE TABLE account (
          id text COLLATE "C" PRIMARY KEY,
          name text COLLATE "C" NOT NULL UNIQUE,
          display_name text,
          fhir_user text,
          roles text NOT NULL,
          password text NOT NULL,
          created bigint NOT NULL);

        CREATE TABLE app (
          id text COLLATE "C" PRIMARY KEY,
          name text NOT NULL,
          method text NOT NULL,
          credential text,
          redirect_uris text NOT NULL,
          logout_uris text NOT NULL,
          scopes text NOT NULL,
          roles text NOT NULL,
          is_trusted bigint NOT NULL,
          created bigint NOT NULL);
        CREATE TABLE app_origin (
          origin text COLLATE "C" NOT NULL, app text COLLATE "C" NOT NULL, PRIMARY KEY (origin, app));

        CREATE TABLE signing_key (
          id text COLLATE "C" PRIMARY KEY, pem text NOT NULL, created bigint NOT NULL, signs_from bigint NOT NULL);

        CREATE TABLE login_session (
          hash text COLLATE "C" PRIMARY KEY,
          account text COLLATE "C" NOT NULL,
          authenticated bigint NOT NULL,
          expires bigint NOT NULL);
        CREATE INDEX login_session_account ON login_session (account);
        CREATE INDEX login_session_expires ON login_session (expires);

        CREATE TABLE access_grant (
          id text COLLATE "C" PRIMARY KEY,
          app text COLLATE "C" NOT NULL,
          account text COLLATE "C",
          scopes text NOT NULL,
          audiences text NOT NULL,
          context text NOT NULL,
          session text COLLATE "C",
          authenticated bigint NOT NULL,
          expires bigint NOT NULL,
          is_revoked bigint NOT NULL);
        CREATE INDEX access_grant_account ON access_grant (account);
        CREATE INDEX access_grant_app ON access_grant (app);
        CREATE INDEX access_grant_expires ON access_grant (expires);

        CREATE TABLE authorization_code (
          hash text COLLATE "C" PRIMARY KEY,
          access_grant text COLLATE "C" NOT NULL,
          redirect_uri text NOT NULL,
          challenge text,
          nonce text,
          expires bigint NOT NULL,
          is_used bigint NOT NULL);
        CREATE INDEX authorization_code_expires ON authorization_code (expires);

        CREATE TABLE refresh_token (
          hash text COLLATE "C" PRIMARY KEY,
          access_grant text COLLATE "C" NOT NULL,
          expires bigint NOT NULL,
          is_used bigint NOT NULL);
        CREATE INDEX refresh_token_expires ON refresh_token (expires);

        CREATE TABLE launch (
          hash text COLLATE "C" PRIMARY KEY,
          app text COLLATE "C",
          account text COLLATE "C",
          context text NOT NULL,
          expires bigint NOT NULL);
        CREATE INDEX launch_expires ON launch (expires);
        """)
  ]
}
