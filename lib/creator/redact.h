/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets out of text that goes to the disk, the network or a terminal: each becomes "***", several that touch or
 * overlap become one. Bytes may come in any chunks; nothing is passed on before it is clear that no secret begins
 *there.
 *
 *	set = redact_new(REDACT_SHAPES); redact_add(set, ...) ...;
 *	redact_feed(&out, &stream, ...) ...; redact_end(&out, &stream);
 *
 * A set may be used by many streams and threads once the last secret was added.
 */
#ifndef MRP_CREATOR_REDACT_H
#define MRP_CREATOR_REDACT_H

#include "../value/value.h"

enum {
	REDACT_SHAPES = 1 << 0, /* also what looks like a token, a private key or a password in a URL */
};

enum { REDACT_MIN = 4 }; /* bytes of the shortest secret that can be told from any text */

struct redact_set;

struct redact_set *redact_new(unsigned flags);
void redact_free(struct redact_set *set); /* overwrites the secrets; NULL is harmless */
void redact_freep(struct redact_set **set);

/* Add a secret: as it is, and as JSON, HCL, URLs and base64 (also as a part of something larger) spell it; one of
 * several lines also line by line, without white space around. Copied. False when it is shorter than REDACT_MIN and so
 * will not be replaced. */
bool redact_add(struct redact_set *set, const char *secret, size_t len);
/* All strings and numbers of a value at any depth, and the whole as JSON. False when one was too short. */
bool redact_add_value(struct redact_set *set, const struct value *value);

struct redact_stream {
	const struct redact_set *set;
	struct strbuf held; /* what may yet turn out to begin a secret */
	size_t covered;     /* bytes of `held` that belong to a secret already */
	unsigned state;     /* see redact.c */
	size_t key_bytes;   /* hidden of a private key that goes on */
	char before;        /* the byte before `held` */
};

/* Borrows the set. */
void redact_begin(struct redact_stream *stream, const struct redact_set *set);
/* Appends to `out` what is clear by now. */
void redact_feed(struct strbuf *out, struct redact_stream *stream, const void *data, size_t len);
/* Appends the rest; the stream can begin again. */
void redact_end(struct strbuf *out, struct redact_stream *stream);

/* All at once; appended. */
void redact_text(struct strbuf *out, const struct redact_set *set, const void *data, size_t len);

#endif
