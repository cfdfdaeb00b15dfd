/* SPDX-License-Identifier: Apache-2.0 */
/* What a fuzz target defines: libFuzzer calls it, and driver.c does for a corpus. Properties that do not hold abort. */
#ifndef MRP_TESTS_FUZZ_H
#define MRP_TESTS_FUZZ_H

#include "../../lib/base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                                                \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			BUG("does not hold: %s", #condition);                                                          \
	} while (0)

#endif
