/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of an agent's config, checked by the same tables of fields as configs and the API (lib/model). */
#ifndef MRP_AGENT_ENTRY_READ_H
#define MRP_AGENT_ENTRY_READ_H

#include "entry.h"

enum { SHARED_TEXTS = 1024 };

struct entry_reader {
	struct arena *arena;  /* of the result */
	struct arena scratch; /* of one entry */
	struct problems *problems;
	struct strbuf text;
	const struct entry *previous; /* entries of one prober follow each other, and have the same files */
	/* those used last, by hash: entries of a matrix say the same again and again */
	const char *texts[SHARED_TEXTS];
};

/* What entries are made of goes to the arena; they share equal texts and sets of files. */
struct entry_reader *entry_reader_new(struct arena *arena, struct problems *problems);
void entry_reader_free(struct entry_reader *reader);

/* `index`: its place in the list, for messages when it has no id. NULL when problems were added. */
struct entry *entry_read(struct entry_reader *reader, const struct value *v, uint32_t index);

/* For entry_definition.c. */
/* The text in the arena; equal ones are often the same. */
const char *entry_share(struct entry_reader *reader, const char *s);
/* Texts of a map (NULL: none) to `out`, which has room for them; how many. */
size_t entry_add_texts(struct entry_reader *reader, struct label *out, const struct value *map);
/* A text that must be there: NULL when a problem was added. */
const char *entry_need(struct entry_reader *reader, const struct value *v, const char *field);
void entry_read_definition(struct entry_reader *reader, struct entry *entry, const struct value *v);

#endif
