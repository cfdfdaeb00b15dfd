/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor-json [--keep] FILE...
 *
 * The least that reading pages of a JSON API can cost: read each file, parse it with jansson, throw it away, or keep it
 * until all are there. Nothing is looked at, one buffer for all.
 */
#include "common.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	size_t size = 1 << 20, values = 0;
	char *buf = xreallocarray(NULL, size, 1);
	bool keep = argc > 1 && strcmp(argv[1], "--keep") == 0;
	json_t *all = json_array();

	for (int i = 1 + keep; i < argc; i++) {
		FILE *file = fopen(argv[i], "re");
		size_t len = 0, n;
		json_error_t error;

		if (!file)
			die("cannot open '%s': %s", argv[i], strerror(errno));
		while ((n = fread(buf + len, 1, size - len, file)) > 0) {
			len += n;
			if (len == size)
				buf = xreallocarray(buf, size *= 2, 1);
		}
		fclose(file);
		json_t *json = json_loadb(buf, len, JSON_REJECT_DUPLICATES, &error);
		if (!json)
			die("'%s': %s", argv[i], error.text);
		values += json_object_size(json);
		if (keep)
			json_array_append(all, json);
		json_decref(json);
	}
	json_decref(all);
	free(buf);
	printf("pages=%d members=%zu\n", argc - 1 - keep, values);
	return 0;
}
