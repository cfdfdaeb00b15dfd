/* SPDX-License-Identifier: Apache-2.0 */
/* What PostgreSQL's errors mean to callers (SQLSTATE: appendix A of its manual). */
#include <libpq-fe.h>

#include "postgres.h"

static const struct {
	const char *state; /* or the first characters of it */
	enum mrp_errcode code;
	const char *text; /* NULL: the server's own */
} meanings[] = {
	{ "53100", MRP_ENOSPC, "no room on the disk of database '%s'" },
	{ "55P03", MRP_EBUSY, "database '%s' is locked by another process" },
	{ "25006", MRP_EBUSY, "database '%s' is read-only" },
	{ "40", MRP_EBUSY, NULL },    /* deadlock, serialization failure */
	{ "53", MRP_EBUSY, NULL },    /* too many connections, out of memory */
	{ "57014", MRP_EBUSY, NULL }, /* a timeout of the server */
	{ "58030", MRP_ENOSPC, "the disk of database '%s' is full or failing" },
};

/* States after which the connection is of no use. */
static const char *const fatal[] = {
	"08",    /* connection exception */
	"57P",   /* shutdown, crash, still starting */
	"25P03", /* was idle in a transaction for too long */
	"26000", /* a prepared statement that is not there: somebody else used the session */
};

char *pg_one_line(const char *text)
{
	struct strbuf line = STRBUF_INIT;
	size_t len = strlen(text);

	while (len && strchr("\r\n\t ", text[len - 1]))
		len--;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			strbuf_addstr(&line, "; ");
		else if (text[i] != '\t' && text[i] != '\r')
			strbuf_addch(&line, text[i]);
	}
	return strbuf_detach(&line, NULL);
}

int pg_lost(struct postgres *c, const char *why, struct mrp_err *err)
{
	cleanup(freep) char *line = pg_one_line(why ? why : PQerrorMessage(c->db));

	PQfinish(c->db);
	c->db = NULL;
	c->sent = c->sent_before = 0;
	c->aborted = c->in_transaction;
	c->in_transaction = false;
	pg_redial(c, line);
	return mrp_err_set(err, MRP_EBUSY, "database '%s' was lost: %s", c->label, line);
}

int pg_fail(struct postgres *c, const PGresult *result, struct mrp_err *err)
{
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	const char *message = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	cleanup(freep) char *line = pg_one_line(message ? message : PQerrorMessage(c->db));

	for (size_t i = 0; state && i < ARRAY_SIZE(fatal); i++) {
		if (skip_prefix(state, fatal[i], NULL))
			return pg_lost(c, line, err);
	}
	if (PQstatus(c->db) == CONNECTION_BAD)
		return pg_lost(c, line, err);
	for (size_t i = 0; state && i < ARRAY_SIZE(meanings); i++) {
		if (!skip_prefix(state, meanings[i].state, NULL))
			continue;
		if (!meanings[i].text)
			return mrp_err_set(err, meanings[i].code, "database '%s': %s", c->label, line);
		cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
		const char *place = strstr(meanings[i].text, "%s");
		strbuf_add(&text, meanings[i].text, (size_t)(place - meanings[i].text));
		strbuf_addf(&text, "%s%s", c->label, place + 2);
		return mrp_err_set(err, meanings[i].code, "%s", text.buf);
	}
	return mrp_err_set(err, MRP_EFAILED, "database '%s': %s", c->label, line);
}
