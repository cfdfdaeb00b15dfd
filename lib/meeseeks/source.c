/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include "path.h"

const struct source_ops *source_of(enum source_kind kind)
{
	static const struct source_ops *const all[SOURCE_COUNT] = {
		[SOURCE_COMPUTE_ADMIN] = &source_compute_admin,
		[SOURCE_KUBERNETES] = &source_kubernetes,
		[SOURCE_FILE] = &source_file,
		[SOURCE_COMMAND] = &source_command,
	};

	return all[kind];
}

/* Servers that write JSON from protobuf leave out what is empty, others write null, so an answer without the list may
 * be one: but only when nothing is there that the list could be. */
static bool empty_answer(const struct value *page)
{
	for (uint32_t i = 0; page->type == V_OBJECT && i < page->n; i++) {
		enum value_type type = page->members[i].value->type;

		if (type == V_ARRAY || type == V_OBJECT)
			return false;
	}
	return page->type == V_OBJECT && !value_get(page, "error") && !value_get(page, "message");
}

int reading_add_list(struct reading *reading, const struct value *list, struct mrp_err *err)
{
	reading->pages++;
	for (uint32_t i = 0; i < list->n; i++) {
		struct node node;
		int taken = view_take(reading->view, &reading->arena, list->items[i], &node, err);

		if (taken < 0)
			return -1;
		node.page = reading->pages;
		if (taken)
			node_vec_push(&reading->nodes, node);
	}
	return 0;
}

int reading_add_page(struct reading *reading, struct value *page, struct mrp_err *err)
{
	static const struct value nothing = { .type = V_ARRAY };
	const char *place = view_list(reading->view);
	const struct value *list = path_get(page, place);

	if (list ? list->type == V_NULL && *place : *place && empty_answer(page))
		list = &nothing;
	if (!list || list->type != V_ARRAY)
		return mrp_err_set(err, MRP_EFAILED, *place ? "there is no list at '%s'" : "it is no list%s", place);
	return reading_add_list(reading, list, err);
}

void reading_release(struct reading *reading)
{
	node_vec_clear(&reading->nodes);
	arena_release(&reading->arena);
	reading->pages = 0;
	reading->moved = reading->doubled = false;
}
