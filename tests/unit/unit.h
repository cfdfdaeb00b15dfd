/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka with the headers that it wants before itself. */
#ifndef MRP_TESTS_UNIT_H
#define MRP_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../lib/base/base.h"
#include "../../lib/base/leaks.h"

#endif
