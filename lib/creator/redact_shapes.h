/* SPDX-License-Identifier: Apache-2.0 */
/* What is a secret by its looks: tokens of clouds and forges, our own, what follows "Bearer ", passwords in URLs,
 * private keys in PEM. */
#ifndef MRP_CREATOR_REDACT_SHAPES_H
#define MRP_CREATOR_REDACT_SHAPES_H

#include "../base/base.h"

enum { SHAPE_WINDOW = 3 }; /* bytes that a place has to be looked at for */

enum shape_verdict {
	SHAPE_NONE,
	SHAPE_FOUND,
	SHAPE_MORE,    /* it depends on what follows */
	SHAPE_RUNNING, /* found, and what follows may belong to it: shape_run */
	SHAPE_PEM,     /* found, up to the end of a private key: shape_pem */
};

/* A secret at text + keep, of `len` bytes. */
struct shape_place {
	size_t keep, len;
};

/* Calls `each` with the first SHAPE_WINDOW bytes of all that may be found. */
void shape_each_beginning(void (*each)(void *ctx, const char window[SHAPE_WINDOW]), void *ctx);
/* Does one begin at `text`, which has `n` bytes and, unless `ended`, more to come? `before` is the byte before it. */
enum shape_verdict shape_look(struct shape_place *out, const char *text, size_t n, char before, bool ended);
/* Bytes of a token that goes on. */
size_t shape_run(const char *text, size_t n);
/* Bytes that belong to a private key, whose beginning came before; *done when its end is among them. They may be less
 * than `n` when the end is near. */
size_t shape_pem(bool *done, const char *text, size_t n, bool ended);

#endif
