/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver of a fuzz target where there is no libFuzzer: gives it each file of the folders named, as they are and cut
 * short at some places, so that an ordinary test run does with any compiler what was found worth keeping.
 */
#include "fuzz.h"

#include <dirent.h>

#include "../../lib/base/file.h"

enum { MAX_BYTES = 8 << 20, CUTS = 64 };

/* From a block of exactly that size, so that a sanitizer sees each byte read beyond it. */
static void run_exact(const char *data, size_t size)
{
	uint8_t *copy = xmalloc(size);

	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static int run_folder(const char *folder, int *n, struct mrp_err *err)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		return mrp_err_errno(err, "cannot open '%s'", folder);
	while ((entry = readdir(dir))) {
		cleanup(freep) char *path = path_join(folder, entry->d_name);
		cleanup(strbuf_release) struct strbuf data = STRBUF_INIT;

		if (entry->d_name[0] == '.')
			continue;
		if (read_file(&data, path, MAX_BYTES, err) < 0)
			break;
		run_exact(data.buf, data.len);
		for (size_t cut = 1; cut < CUTS && data.len > CUTS; cut++)
			run_exact(data.buf, data.len * cut / CUTS);
		(*n)++;
	}
	closedir(dir);
	return err->code ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct mrp_err err = MRP_ERR_INIT;
	int n = 0;

	for (int i = 1; i < argc; i++) {
		if (run_folder(argv[i], &n, &err) < 0) {
			fprintf(stderr, "%s\n", err.msg);
			mrp_err_clear(&err);
			return 1;
		}
	}
	printf("%d inputs\n", n);
	return n ? 0 : 1; /* an empty corpus tests nothing */
}
