/* SPDX-License-Identifier: Apache-2.0 */
/* The record of what a load saw, as it may lie spoiled in the cache: no byte beside it is read. */
#include "fuzz.h"

#include <fcntl.h>

#include "../../lib/config/seen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(freep) char *exactly = xmalloc(size + !size); /* so that a byte too far is found */
	static int root = -1;

	if (root < 0)
		root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	memcpy(exactly, data, size);
	MUST(!seen_still_so(root, exactly, 0));
	seen_still_so(root, exactly, size);
	return 0;
}
