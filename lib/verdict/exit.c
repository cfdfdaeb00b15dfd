/* SPDX-License-Identifier: Apache-2.0 */
/* Output `exit`: the exit code is all that counts, the first line is for people. */
#include "internal.h"

void read_exit_code(struct reading *reading)
{
	verdict_by_exit_code(reading->out, reading->exit_code);
	reading->out->message = message_first_line(reading, false);
}
