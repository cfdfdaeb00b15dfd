/* SPDX-License-Identifier: Apache-2.0 */
#include "../lib/base/base.h"

int main(int argc, char **argv)
{
	if (argc > 1 && streq(argv[1], "version"))
		puts("mrprober " MRP_VERSION);
	return 0;
}
