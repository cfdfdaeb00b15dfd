/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `objects.body` is the JSON that GET answers, ready to be sent; `objects.secret` the same with the values of sensitive
 * variables, NULL when there are none. A cluster's variables are part of its document: a variable is never read or
 * written without its cluster, so a table of its own would be a second truth. `deployments.body` likewise.
 *
 * meta has one row; its revision moves with every write of an object or deployment. A blob's `touched_at` (seconds) is
 * when it was last uploaded or lost a reference; a blob without references is removed a day after that.
 *
 * tokens: times in seconds, 0 is never; meta.token_key is there since the first token was made (tokens.h).
 *
 * deployed: what each cluster was last deployed by, sensitive values as well; its blobs are refs of kind 'deployed'.
 *
 * In PostgreSQL whole numbers are bigint, flags too, so that one statement fits both; text that is ordered or compared
 * is ordered by bytes (COLLATE "C"), as in SQLite.
 *
 * Leases get their fences from meta.fence, so a row may go when its lease has ended. lease_lock changes nothing: in a
 * database with locks on rows it keeps other transactions from changing the lease before this one has ended.
 */
#include "schema.h"

static const struct store_migration migrations[] = {
	{ .sqlite = "CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL, environment "
		    "TEXT);"
		    "INSERT INTO meta (id, revision) VALUES (1, 0);"
		    "CREATE TABLE objects (kind TEXT NOT NULL, slug TEXT NOT NULL, revision INTEGER NOT NULL,"
		    " managed INTEGER NOT NULL, destroying INTEGER NOT NULL, deployed INTEGER NOT NULL, recipe TEXT,"
		    " digest BLOB NOT NULL, labels TEXT NOT NULL, body TEXT NOT NULL, secret TEXT, UNIQUE (kind, "
		    "slug));"
		    "CREATE INDEX objects_recipe ON objects (recipe, slug) WHERE recipe IS NOT NULL;"
		    "CREATE TABLE blobs (sha256 BLOB NOT NULL UNIQUE, touched_at INTEGER NOT NULL, content BLOB NOT "
		    "NULL);"
		    "CREATE INDEX blobs_touched ON blobs (touched_at);"
		    "CREATE TABLE refs (sha256 BLOB NOT NULL, kind TEXT NOT NULL, slug TEXT NOT NULL,"
		    " PRIMARY KEY (sha256, kind, slug)) WITHOUT ROWID;"
		    "CREATE INDEX refs_object ON refs (kind, slug);"
		    "CREATE TABLE deployments (id INTEGER PRIMARY KEY AUTOINCREMENT, cluster TEXT NOT NULL,"
		    " status TEXT NOT NULL, revision INTEGER NOT NULL, body TEXT NOT NULL);"
		    "CREATE INDEX deployments_cluster ON deployments (cluster, id);",
		.postgres = "CREATE TABLE meta (id bigint PRIMARY KEY CHECK (id = 1), revision bigint NOT NULL, environment text);"
		      "INSERT INTO meta (id, revision) VALUES (1, 0);"
		      "CREATE TABLE objects (kind text COLLATE \"C\" NOT NULL, slug text COLLATE \"C\" NOT NULL,"
		      " revision bigint NOT NULL, managed bigint NOT NULL, destroying bigint NOT NULL, deployed bigint NOT NULL,"
		      " recipe text COLLATE \"C\", digest bytea NOT NULL, labels text NOT NULL, body text NOT NULL, secret text,"
		      " UNIQUE (kind, slug)) WITH (toast_tuple_target = 8160);" /* bodies are read more often than written */
		      "CREATE INDEX objects_recipe ON objects (recipe, slug) WHERE recipe IS NOT NULL;"
		      "CREATE TABLE blobs (sha256 bytea NOT NULL UNIQUE, touched_at bigint NOT NULL, content bytea NOT NULL);"
		      "ALTER TABLE blobs ALTER COLUMN content SET STORAGE EXTERNAL;"
		      "CREATE INDEX blobs_touched ON blobs (touched_at);"
		      "CREATE TABLE refs (sha256 bytea NOT NULL, kind text COLLATE \"C\" NOT NULL,"
		      " slug text COLLATE \"C\" NOT NULL, PRIMARY KEY (sha256, kind, slug));"
		      "CREATE INDEX refs_object ON refs (kind, slug);"
		      "CREATE TABLE deployments (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
		      " cluster text COLLATE \"C\" NOT NULL, status text NOT NULL, revision bigint NOT NULL, body text NOT NULL);"
		      "CREATE INDEX deployments_cluster ON deployments (cluster, id)" },
	{ .sqlite = "ALTER TABLE meta ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;"
		    "CREATE TABLE leases (name TEXT NOT NULL PRIMARY KEY, fence INTEGER NOT NULL, holder TEXT NOT NULL,"
		    " taken_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL) WITHOUT ROWID;",
		.postgres = "ALTER TABLE meta ADD COLUMN fence bigint NOT NULL DEFAULT 0;"
		      "CREATE TABLE leases (name text COLLATE \"C\" NOT NULL PRIMARY KEY, fence bigint NOT NULL, holder text NOT NULL,"
		      " taken_ms bigint NOT NULL, expires_ms bigint NOT NULL)" },
	{ .sqlite = "CREATE INDEX objects_revision ON objects (kind, revision);",
		.postgres = "CREATE INDEX objects_revision ON objects (kind, revision)" },
	{ .sqlite = "CREATE TABLE agents (cluster TEXT NOT NULL, host TEXT NOT NULL, seen_ms INTEGER NOT NULL,"
		    " digest BLOB NOT NULL, summary TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (cluster, host));",
		.postgres = "CREATE TABLE agents (cluster text COLLATE \"C\" NOT NULL, host text COLLATE \"C\" NOT NULL,"
		      " seen_ms bigint NOT NULL, digest bytea NOT NULL, summary text NOT NULL, body text NOT NULL,"
		      " PRIMARY KEY (cluster, host))" },
	{ .sqlite = "ALTER TABLE meta ADD COLUMN token_key BLOB;"
		    "ALTER TABLE meta ADD COLUMN token_generation INTEGER NOT NULL DEFAULT 0;"
		    "CREATE TABLE tokens (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, role TEXT NOT NULL,"
		    " cluster TEXT NOT NULL, variables TEXT NOT NULL, hash BLOB NOT NULL UNIQUE,"
		    " created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, revoked_at INTEGER NOT NULL DEFAULT 0,"
		    " last_used_at INTEGER NOT NULL DEFAULT 0);",
		.postgres = "ALTER TABLE meta ADD COLUMN token_key bytea;"
		      "ALTER TABLE meta ADD COLUMN token_generation bigint NOT NULL DEFAULT 0;"
		      "CREATE TABLE tokens (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL,"
		      " role text NOT NULL, cluster text NOT NULL, variables text NOT NULL, hash bytea NOT NULL UNIQUE,"
		      " created_at bigint NOT NULL, expires_at bigint NOT NULL, revoked_at bigint NOT NULL DEFAULT 0,"
		      " last_used_at bigint NOT NULL DEFAULT 0)" },
	{ .sqlite = "CREATE TABLE deployed (cluster TEXT NOT NULL PRIMARY KEY, deployment INTEGER NOT NULL, body TEXT NOT NULL);",
		.postgres = "CREATE TABLE deployed (cluster text COLLATE \"C\" NOT NULL PRIMARY KEY, deployment bigint NOT NULL,"
		      " body text NOT NULL)" },
};

/* Arrays as a table with columns a, b, and i that counts. */
#define MANY(type_a, type_b) "unnest($1::" type_a "[], $2::" type_b "[]) WITH ORDINALITY AS list (a, b, i)"

static const struct store_statement statements[SQL_COUNT] = {
	[SQL_META_GET] = { "meta_get", "SELECT revision, environment FROM meta WHERE id = 1" },
	[SQL_META_NEXT_REVISION] = { "meta_next_revision",
		"UPDATE meta SET revision = revision + 1 WHERE id = 1 RETURNING revision" },
	[SQL_META_SET_REVISION] = { "meta_set_revision", "UPDATE meta SET revision = $1 WHERE id = 1" },
	[SQL_META_SET_ENVIRONMENT] = { "meta_set_environment", "UPDATE meta SET environment = $1 WHERE id = 1" },
	[SQL_OBJECT_GET] = { "object_get", "SELECT revision, body, secret FROM objects WHERE kind = $1 AND slug = $2",
		.postgres_many = "SELECT i, revision, body, secret FROM " MANY("text", "text") " JOIN objects ON kind = a AND slug = b" },
	[SQL_OBJECT_INFO] = { "object_info",
		"SELECT revision, managed, destroying, deployed, recipe, digest FROM objects WHERE kind = $1 AND slug "
		"= $2" },
	[SQL_OBJECT_LOAD] = { "object_load",
		"SELECT revision, managed, destroying, deployed, recipe, digest, coalesce(secret, body) FROM objects"
		" WHERE kind = $1 AND slug = $2",
		.postgres_many = "SELECT i, revision, managed, destroying, deployed, recipe, digest, coalesce(secret, body)"
				 " FROM " MANY("text", "text") " JOIN objects ON kind = a AND slug = b" },
	[SQL_OBJECT_INSERT] = { "object_insert",
		"INSERT INTO objects (kind, slug, revision, managed, destroying, deployed, recipe, digest, labels, "
		"body, secret)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)" },
	[SQL_OBJECT_UPDATE] = { "object_update",
		"UPDATE objects SET revision = $3, managed = $4, destroying = $5, deployed = $6, recipe = $7, digest = "
		"$8,"
		" labels = $9, body = $10, secret = $11 WHERE kind = $1 AND slug = $2" },
	[SQL_OBJECT_DELETE] = { "object_delete", "DELETE FROM objects WHERE kind = $1 AND slug = $2" },
	[SQL_OBJECT_LIST] = { "object_list",
		"SELECT slug, body FROM objects WHERE kind = $1 AND slug > $2 ORDER BY slug LIMIT $3" },
	[SQL_OBJECT_LIST_WHOLE] = { "object_list_whole",
		"SELECT slug, coalesce(secret, body) FROM objects WHERE kind = $1 AND slug > $2 ORDER BY slug LIMIT $3" },
	[SQL_OBJECT_LABELS] = { "object_labels",
		"SELECT slug, labels FROM objects WHERE kind = $1 AND slug > $2 ORDER BY slug" },
	[SQL_OBJECT_COUNTS] = { "object_counts", "SELECT kind, count(*) FROM objects GROUP BY kind" },
	[SQL_OBJECT_DIGESTS] = { "object_digests",
		"SELECT kind, slug, revision, managed, destroying, digest FROM objects ORDER BY kind, slug" },
	[SQL_RECIPE_CLUSTERS] = { "recipe_clusters",
		"SELECT slug, destroying FROM objects WHERE recipe = $1 ORDER BY slug" },
	[SQL_BLOB_TOUCH] = { "blob_touch", "UPDATE blobs SET touched_at = $2 WHERE sha256 = $1 RETURNING 1" },
	[SQL_BLOB_INSERT] = { "blob_insert", "INSERT INTO blobs (sha256, touched_at, content) VALUES ($1, $2, $3)" },
	[SQL_BLOB_GET] = { "blob_get", "SELECT content FROM blobs WHERE sha256 = $1" },
	[SQL_BLOB_SIZE] = { "blob_size", "SELECT length(content) FROM blobs WHERE sha256 = $1",
		.postgres_many = "SELECT i, length(content) FROM unnest($1::bytea[]) WITH ORDINALITY AS list (a, i)"
				 " JOIN blobs ON sha256 = a" },
	[SQL_BLOB_USABLE] = { "blob_usable",
		"SELECT 1 FROM blobs WHERE sha256 = $1 AND (touched_at > $2 OR"
		" EXISTS (SELECT 1 FROM refs WHERE refs.sha256 = blobs.sha256))",
		.postgres_many = "SELECT i, 1 FROM " MANY("bytea", "bigint") " JOIN blobs ON sha256 = a WHERE touched_at > b OR"
				 " EXISTS (SELECT 1 FROM refs WHERE refs.sha256 = blobs.sha256)" },
	[SQL_BLOB_SWEEP] = { "blob_sweep",
		"DELETE FROM blobs WHERE sha256 IN (SELECT sha256 FROM blobs WHERE touched_at < $1 AND"
		" NOT EXISTS (SELECT 1 FROM refs WHERE refs.sha256 = blobs.sha256) LIMIT $2) RETURNING 1" },
	[SQL_REF_INSERT] = { "ref_insert",
		"INSERT INTO refs (sha256, kind, slug) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING" },
	[SQL_REF_FREE] = { "ref_free",
		"UPDATE blobs SET touched_at = $3 WHERE sha256 IN (SELECT sha256 FROM refs WHERE kind = $1 AND slug = "
		"$2)" },
	[SQL_REF_DELETE] = { "ref_delete", "DELETE FROM refs WHERE kind = $1 AND slug = $2" },
	[SQL_DEPLOYMENT_INSERT] = { "deployment_insert",
		"INSERT INTO deployments (cluster, status, revision, body) VALUES ($1, $2, $3, '') RETURNING id" },
	[SQL_DEPLOYMENT_UPDATE] = { "deployment_update",
		"UPDATE deployments SET status = $2, revision = $3, body = $4 WHERE id = $1" },
	[SQL_DEPLOYMENT_GET] = { "deployment_get", "SELECT revision, body FROM deployments WHERE id = $1" },
	[SQL_DEPLOYMENT_LIST] = { "deployment_list",
		"SELECT id, body FROM deployments WHERE cluster = $1 AND id < $2 ORDER BY id DESC LIMIT $3" },
	[SQL_DEPLOYMENT_RUNNING] = { "deployment_running",
		"SELECT id FROM deployments WHERE cluster = $1 AND status = 'running' LIMIT 1" },
	[SQL_DEPLOYED_PUT] = { "deployed_put",
		"INSERT INTO deployed (cluster, deployment, body) VALUES ($1, $2, $3) ON CONFLICT (cluster)"
		" DO UPDATE SET deployment = excluded.deployment, body = excluded.body" },
	[SQL_DEPLOYED_GET] = { "deployed_get", "SELECT body FROM deployed WHERE cluster = $1 AND deployment = $2" },
	[SQL_DEPLOYED_DELETE] = { "deployed_delete", "DELETE FROM deployed WHERE cluster = $1" },
	[SQL_PROBERS_STAMP] = { "probers_stamp", "SELECT count(*), max(revision) FROM objects WHERE kind = 'prober'" },
	[SQL_PROBERS_SINCE] = { "probers_since",
		"SELECT slug, revision, body FROM objects WHERE kind = 'prober' AND revision > $1" },
	[SQL_PROBERS_SLUGS] = { "probers_slugs", "SELECT slug FROM objects WHERE kind = 'prober'" },
	[SQL_AGENT_SEEN] = { "agent_seen",
		"UPDATE agents SET seen_ms = CASE WHEN seen_ms > $3 THEN seen_ms ELSE $3 END"
		" WHERE cluster = $1 AND host = $2 AND digest = $4 RETURNING 1" },
	[SQL_AGENT_PUT] = { "agent_put",
		"INSERT INTO agents (cluster, host, seen_ms, digest, summary, body) VALUES ($1, $2, $3, $4, $5, $6)"
		" ON CONFLICT (cluster, host) DO UPDATE SET seen_ms = excluded.seen_ms, digest = excluded.digest,"
		" summary = excluded.summary, body = excluded.body WHERE agents.seen_ms <= excluded.seen_ms" },
	[SQL_AGENT_GET] = { "agent_get",
		"SELECT seen_ms, body FROM agents WHERE cluster = $1 AND host = $2 AND seen_ms > $3" },
	[SQL_AGENT_LIST] = { "agent_list",
		"SELECT cluster, host, seen_ms, summary FROM agents WHERE (cluster, host) > ($1, $2) AND seen_ms > $3"
		" ORDER BY cluster, host LIMIT $4" },
	[SQL_AGENT_LIST_CLUSTER] = { "agent_list_cluster",
		"SELECT cluster, host, seen_ms, summary FROM agents WHERE cluster = $1 AND host > $2 AND seen_ms > $3"
		" ORDER BY host LIMIT $4" },
	[SQL_AGENT_SWEEP] = { "agent_sweep", "DELETE FROM agents WHERE seen_ms < $1" },
	[SQL_TOKEN_META] = { "token_meta", "SELECT token_generation, token_key FROM meta WHERE id = 1" },
	[SQL_TOKEN_KEY] = { "token_key", "UPDATE meta SET token_key = coalesce(token_key, $1) WHERE id = 1" },
	[SQL_TOKEN_GENERATION] = { "token_generation",
		"UPDATE meta SET token_generation = token_generation + 1 WHERE id = 1" },
	[SQL_TOKEN_INSERT] = { "token_insert",
		"INSERT INTO tokens (name, role, cluster, variables, hash, created_at, expires_at)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id" },
	[SQL_TOKEN_LIST] = { "token_list",
		"SELECT id, name, role, cluster, variables, hash, created_at, expires_at, revoked_at, last_used_at"
		" FROM tokens ORDER BY id" },
	[SQL_TOKEN_REVOKED_AT] = { "token_revoked_at", "SELECT revoked_at FROM tokens WHERE id = $1" },
	[SQL_TOKEN_REVOKE] = { "token_revoke", "UPDATE tokens SET revoked_at = $2 WHERE id = $1" },
	[SQL_TOKEN_USED] = { "token_used", "UPDATE tokens SET last_used_at = $2 WHERE id = $1 AND last_used_at < $2" },
	[SQL_META_NEXT_FENCE] = { "meta_next_fence", "UPDATE meta SET fence = fence + 1 WHERE id = 1" },
	[SQL_META_FENCE] = { "meta_fence", "SELECT fence FROM meta WHERE id = 1" },
	[SQL_LEASE_GET] = { "lease_get", "SELECT fence, holder, taken_ms, expires_ms FROM leases WHERE name = $1" },
	[SQL_LEASE_LOCK] = { "lease_lock", "UPDATE leases SET fence = fence WHERE name = $1" },
	[SQL_LEASE_TAKE] = { "lease_take",
		"INSERT INTO leases (name, fence, holder, taken_ms, expires_ms) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name)"
		" DO UPDATE SET fence = excluded.fence, holder = excluded.holder, taken_ms = excluded.taken_ms,"
		" expires_ms = excluded.expires_ms" },
	[SQL_LEASE_EXTEND] = { "lease_extend", "UPDATE leases SET expires_ms = $2 WHERE name = $1" },
	[SQL_LEASE_RELEASE] = { "lease_release", "DELETE FROM leases WHERE name = $1" },
	[SQL_LEASE_SWEEP] = { "lease_sweep", "DELETE FROM leases WHERE expires_ms < $1" },
};

const struct store_schema store_schema = {
	.application_id = 0x6d727062, /* "mrpb" */
	.migrations = migrations,
	.n_migrations = ARRAY_SIZE(migrations),
	.statements = statements,
	.n_statements = SQL_COUNT,
	.busy_timeout_ms = 5000,
};
