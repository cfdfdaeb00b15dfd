/* SPDX-License-Identifier: Apache-2.0 */
/* Output of the format `json`: any bytes are a verdict that may be shown and exported. */
#include "verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return check_verdict(OUTPUT_JSON, data, size);
}
