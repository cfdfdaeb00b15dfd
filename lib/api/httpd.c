/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd.h"

#include "../base/module.h"

const struct httpd_ops *httpd_ops_get(struct mrp_err *err)
{
	return module_table("mhd", "mhd_httpd_ops", err);
}
