/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loadgen: a small HTTP/1.1 client that is never the slow side of a measurement.
 *
 *   loadgen [OPTIONS] get URL-TEMPLATE...   as many GET as the server takes
 *   loadgen [OPTIONS] patch URL-TEMPLATE    the same with PATCH of a new description
 *   loadgen [-r RUNS] [-e ITEMS] pages URL  read a list page by page; the time of all pages
 *   loadgen body URL                        print one answer's body
 *   loadgen free-port                       print a port of the loopback that nobody uses
 *
 *   -c CLIENTS    connections, each with one request in flight (default 1)
 *   -n REQUESTS   stop after so many requests, or
 *   -t SECONDS    stop after this time (default 2)
 *   -w SECONDS    load the server for this long before measuring
 *   -l FILE       slugs, one a line; each {slug} of a template is the next of them, in a
 *                 shuffled but always equal order
 *   -p PID        also print the CPU time that process used per request, and its share of a processor
 *   -R RATE       so many requests a second, evenly, instead of as many as the server takes
 *   -E ETAG       send If-None-Match; every answer must then be 304
 *
 * One thread, one epoll set, connections kept alive, no pipelining. Any answer other than
 * 2xx, and any connection that breaks, makes the exit code 1 with the first such answer on
 * standard error: a server that refuses quickly must never look fast.
 */
#include "loadgen.h"
#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		die("no free port: %s", strerror(errno));
	printf("%u\n", ntohs(address.sin_port));
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	struct options opt = { .clients = 1, .seconds = 2, .runs = 1 };
	const char *mode;
	int c;

	while ((c = getopt(argc, argv, "+c:n:t:w:l:p:r:e:R:E:")) != -1) {
		switch (c) {
		case 'c':
			opt.clients = parse_long("-c", optarg, 1, MAX_CLIENTS);
			break;
		case 'n':
			opt.requests = parse_long("-n", optarg, 1, 100000000);
			break;
		case 't':
			opt.seconds = parse_seconds("-t", optarg);
			break;
		case 'w':
			opt.warm_up = parse_seconds("-w", optarg);
			break;
		case 'l':
			opt.slugs_path = optarg;
			break;
		case 'p':
			opt.server = (pid_t)parse_long("-p", optarg, 1, 1 << 30);
			break;
		case 'R':
			opt.rate = (double)parse_long("-R", optarg, 1, 1000000);
			break;
		case 'E':
			opt.etag = optarg;
			break;
		case 'r':
			opt.runs = parse_long("-r", optarg, 1, 10000);
			break;
		case 'e':
			opt.items = parse_long("-e", optarg, 1, 100000000);
			break;
		default:
			return 64;
		}
	}
	mode = optind < argc ? argv[optind++] : "";
	if (!strcmp(mode, "get") || !strcmp(mode, "patch"))
		return load_run(&opt, *mode == 'p', argv + optind, argc - optind);
	if (!strcmp(mode, "pages"))
		return pages_run(&opt, argv + optind, argc - optind);
	if (!strcmp(mode, "body"))
		return body_run(argv + optind, argc - optind);
	if (!strcmp(mode, "free-port"))
		return free_port();
	die_usage("usage: loadgen [OPTIONS] get|patch|pages|body|free-port [URL...]");
}
