/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of an agent's config, checked by the same tables of fields as configs and the API (lib/model). */
#ifndef MRP_AGENT_ENTRY_READ_H
#define MRP_AGENT_ENTRY_READ_H

#include "entry.h"

struct entry_reader;

/* What entries are made of goes to the arena; they share equal texts and sets of files. */
struct entry_reader *entry_reader_new(struct arena *arena, struct problems *problems);
void entry_reader_free(struct entry_reader *reader);

/* `index`: its place in the list, for messages when it has no id. NULL when problems were added. */
struct entry *entry_read(struct entry_reader *reader, const struct value *v, uint32_t index);

#endif
