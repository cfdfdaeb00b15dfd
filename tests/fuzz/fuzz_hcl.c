/* SPDX-License-Identifier: Apache-2.0 */
/* Recipes: any bytes as native syntax and as JSON. What is read has places within the text, labels and names. */
#include "../../lib/creator/hcl.h"
#include "fuzz.h"

static void check_body(const struct hcl_body *body, uint32_t lines)
{
	for (const struct hcl_argument *a = body->arguments; a; a = a->next) {
		MUST(a->line >= 1 && a->line <= lines && a->col >= 1);
		MUST((a->kind != HCL_STRING && a->kind != HCL_NAME) || a->text);
		if (a->kind == HCL_OBJECT)
			check_body(a->object, lines);
	}
	for (const struct hcl_block *block = body->blocks; block; block = block->next) {
		MUST(block->line >= 1 && block->line <= lines && block->col >= 1);
		MUST(block->n_labels <= HCL_LABELS);
		for (size_t i = 0; i < block->n_labels; i++)
			MUST(block->labels[i]);
		check_body(block->body, lines);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	for (int json = 0; json < 2; json++) {
		cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
		cleanup(arena_release) struct arena arena = ARENA_INIT;
		struct hcl_file file;

		if ((json ? hcl_parse_json : hcl_parse)(&arena, &file, "f", (const char *)data, size, &err) < 0) {
			MUST(err.code == MRP_EPARSE);
			continue;
		}
		check_body(file.body, lines);
		for (const struct hcl_call *call = file.calls; call; call = call->next)
			MUST(call->line >= 1 && call->line <= lines && *call->name);
	}
	return 0;
}
