# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Lists: pages, filters.

# many N: probers p000.. by batch, label shard: 0..2, every seventh with label rare: yes
many()
{
	seq 0 $(($1 - 1)) | awk '
		{ ops[NR] = sprintf("{\"method\":\"POST\",\"path\":\"/v1/probers\",\"body\":{\"slug\":\"p%03d\",\"command\":[\"x\"],\"labels\":{\"shard\":\"%d\"%s}}}",
			$1, $1 % 3, $1 % 7 ? "" : ",\"rare\":\"yes\"") }
		END { printf "{\"operations\":["; for (i = 1; i <= NR; i++) printf "%s%s", (i > 1 ? "," : ""), ops[i]; print "]}" }' >batch.json
	request POST /v1/batch @batch.json
	expect 200
}

# walk QUERY: all slugs, page by page, into the file `walked`; sets pages
walk()
{
	token=
	pages=0
	: >walked
	while :; do
		request GET "/v1/probers?$1${token:+&page_token=$token}"
		expect 200 '.items | type == "array"'
		jq -r '.items[].slug' "$body" >>walked
		pages=$((pages + 1))
		token=$(jq -r '.next_page_token // ""' "$body")
		[ -n "$token" ] || break
		token=$(printf '%s' "$token" | jq -sRr @uri)
		[ $pages -lt 300 ] || fail 'the pages do not end'
	done
}

test_pages()
{
	start_api
	many 100
	seq -f 'p%03g' 0 99 >all
	for size in 1 7 10 99 100 101 1000; do
		walk "page_size=$size"
		expect_files "slugs in pages of $size" all walked
		[ $pages -le $(((99 / size) + 2)) ] || fail "$pages pages of $size"
	done
	walk ''
	expect_files 'slugs in pages as they come' all walked
	request GET '/v1/probers?page_size=3'
	expect 200 '.items | length == 3' '.next_page_token | type == "string" and length > 0'
	jq '.items[1]' "$body" >item
	request GET /v1/probers/p001
	jq . "$body" >object
	expect_files 'an item of a list and the object' object item
}

test_pages_while_things_change()
{
	start_api
	many 30
	request GET '/v1/probers?page_size=10'
	token=$(jq -r '.next_page_token | @uri' "$body")
	for slug in p000 p009 p010 p015; do
		request DELETE "/v1/probers/$slug"
		expect 204
	done
	request POST /v1/probers '{"slug":"a-first","command":["x"]}'
	request GET "/v1/probers?page_size=10&page_token=$token"
	expect 200 '[.items[].slug] == ["p011","p012","p013","p014","p016","p017","p018","p019","p020","p021"]'
}

test_bad_parameters()
{
	start_api
	for query in page_size=0 page_size=-1 page_size=1001 page_size=x page_size= page_size=1e3 \
		page_size=99999999999999999999 page_token=%00%ff page_token=nonsense%21 label=x label= label=:v \
		slug=UPPER slug=a%2Fb unknown=1 'page_sise=5'; do
		request GET "/v1/probers?$query"
		expect_problem 400
	done
}

test_filters()
{
	start_api
	many 30
	request GET '/v1/probers?slug=p003,p001,none,p029'
	expect 200 '[.items[].slug] == ["p001","p003","p029"]'
	request GET '/v1/probers?slug=none'
	expect 200 '.items == []'
	request GET '/v1/probers?label=shard:1'
	expect 200 '.items | length == 10' 'all(.items[]; .labels.shard == "1")'
	request GET '/v1/probers?label=rare:yes'
	expect 200 '[.items[].slug] == ["p000","p007","p014","p021","p028"]'
	request GET '/v1/probers?label=rare:yes&label=shard:0'
	expect 200 '[.items[].slug] == ["p000","p021"]'
	request GET '/v1/probers?label=rare:no'
	expect 200 '.items == []'
	request GET '/v1/probers?label=rar:yes'
	expect 200 '.items == []'
	request GET '/v1/probers?label=rare:yes&slug=p007,p008'
	expect 200 '[.items[].slug] == ["p007"]'
	walk 'label=shard:2&page_size=3'
	expect_equal 'slugs of a shard' 10 "$(wc -l <walked)"
	# values that would mean something to a database; names of labels that no metric could have
	request POST /v1/recipes '{"slug":"odd","labels":{"a/b.c":"100%_\u0027\";--:x"}}'
	expect 201
	request POST /v1/recipes '{"slug":"other"}'
	request GET '/v1/recipes?label=a%2Fb.c%3A100%25_%27%22%3B--%3Ax'
	expect 200 '[.items[].slug] == ["odd"]'
	request GET '/v1/recipes?label=a%2Fb.c:100%25'
	expect 200 '.items == []'
	request GET '/v1/probers?label=shard:%25'
	expect 200 '.items == []'
}
