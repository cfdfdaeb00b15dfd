/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include "../base/listen.h"
#include "../base/module.h"
#include "page.h"

struct metrics_server {
	const struct page_server_ops *ops;
	struct page_server *pages;
	struct listener listener;
};

struct metrics_server *metrics_server_start_for(
	char **url, const struct page_source *source, const char *listen, struct mrp_err *err)
{
	struct metrics_server *server = xcalloc(1, sizeof(*server));

	server->listener.fd = -1;
	server->ops = module_table("pages", "mhd_page_server_ops", err);
	if (!server->ops || listener_open(&server->listener, listen, LISTEN_ANYWHERE, err) < 0 ||
		!(server->pages = server->ops->start(source, server->listener.fd, err))) {
		metrics_server_stop(server);
		return NULL;
	}
	*url = xstrdup(server->listener.url);
	return server;
}

static void *page_begin(void *metrics, enum exposition exposition)
{
	return metrics_page_begin(metrics, exposition);
}

static bool page_next(void *page, struct strbuf *out)
{
	return metrics_page_next(page, out);
}

static void page_end(void *page)
{
	metrics_page_end(page);
}

struct metrics_server *metrics_server_start(
	char **url, struct metrics *metrics, const char *listen, struct mrp_err *err)
{
	const struct page_source source = {
		.title = "mrprober agent", .begin = page_begin, .next = page_next, .end = page_end, .ctx = metrics
	};

	return metrics_server_start_for(url, &source, listen, err);
}

void metrics_server_stop(struct metrics_server *server)
{
	if (!server)
		return;
	if (server->pages)
		server->ops->stop(server->pages);
	listener_close(&server->listener);
	free(server);
}
