/* store_schema.h - the tables, and how older ones become these. */
#ifndef LOGPLEXD_STORE_SCHEMA_H
#define LOGPLEXD_STORE_SCHEMA_H

/*
 * Step n brings schema n to n + 1; PRAGMA user_version has the number. Steps
 * are never changed once released, only added. Names and ids are bytes as they
 * came, compared as bytes.
 */
static const char *const store_schema_steps[] = {
    "CREATE TABLE meta(\n"
    "    name TEXT PRIMARY KEY,\n"
    "    value BLOB NOT NULL\n"
    ") STRICT, WITHOUT ROWID;\n"
    "INSERT INTO meta VALUES('salt', randomblob(16));\n"

    "CREATE TABLE channels(\n"
    "    number INTEGER PRIMARY KEY,\n"
    "    id TEXT NOT NULL UNIQUE,\n"
    "    flags INTEGER NOT NULL,\n"
    "    created_ns INTEGER NOT NULL\n"
    ") STRICT;\n"

    "CREATE TABLE tokens(\n"
    "    id TEXT PRIMARY KEY,\n"
    "    channel INTEGER NOT NULL REFERENCES channels ON DELETE CASCADE,\n"
    "    name TEXT NOT NULL\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE INDEX tokens_by_channel ON tokens(channel);\n"

    /* hash: HMAC(salt, PBKDF2(password, the salt in meta)). See secret.h. */
    "CREATE TABLE credentials(\n"
    "    id TEXT PRIMARY KEY,\n"
    "    permissions INTEGER NOT NULL,\n"
    "    channel_id TEXT NOT NULL,\n"
    "    salt BLOB NOT NULL,\n"
    "    hash BLOB NOT NULL\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE sessions(\n"
    "    key BLOB PRIMARY KEY,\n"
    "    channel INTEGER NOT NULL REFERENCES channels ON DELETE CASCADE,\n"
    "    source TEXT NOT NULL,\n"
    "    ps TEXT NOT NULL,\n"
    "    num_lines INTEGER NOT NULL,\n"
    "    is_tail INTEGER NOT NULL,\n"
    "    created_ns INTEGER NOT NULL\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE INDEX sessions_by_channel ON sessions(channel);\n"
    "CREATE INDEX sessions_by_age ON sessions(created_ns);\n",

    /* A drain without a URL is reserved. Its number is never used again, nor
     * is that of a channel of the numbered kind: the settings have the last. A
     * credential of kind 1 has a generated secret and no slow hash. */
    "ALTER TABLE channels ADD COLUMN name TEXT NOT NULL DEFAULT '';\n"
    "ALTER TABLE tokens ADD COLUMN expires_ns INTEGER NOT NULL DEFAULT 0;\n"
    "ALTER TABLE credentials ADD COLUMN name TEXT NOT NULL DEFAULT '';\n"
    "ALTER TABLE credentials ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;\n"
    "ALTER TABLE credentials ADD COLUMN created_ns INTEGER NOT NULL DEFAULT 0;"
    "\n"
    "CREATE TABLE drains(\n"
    "    number INTEGER PRIMARY KEY AUTOINCREMENT,\n"
    "    channel INTEGER NOT NULL REFERENCES channels ON DELETE CASCADE,\n"
    "    token TEXT NOT NULL UNIQUE,\n"
    "    url TEXT NOT NULL,\n"
    "    created_ns INTEGER NOT NULL\n"
    ") STRICT;\n"
    "CREATE INDEX drains_by_channel ON drains(channel);\n"
    "CREATE TABLE settings(\n"
    "    name TEXT PRIMARY KEY,\n"
    "    value TEXT NOT NULL\n"
    ") STRICT, WITHOUT ROWID;\n",
};

#endif /* LOGPLEXD_STORE_SCHEMA_H */
