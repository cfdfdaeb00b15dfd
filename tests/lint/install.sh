# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where, and that it works from there, also below a DESTDIR.

test_staged()
{
	DESTDIR=$MRP_SCRATCH/stage cmake --install "$MRP_BUILD" >log || {
		cat log
		fail 'cannot install'
	}
	cd "$MRP_SCRATCH/stage" || exit 1
	find . -type f | sed 's|/mrprober-[a-z0-9]*-[0-9.]*\.so|/mrprober-MODULE.so|' | LC_ALL=C sort -u >../files
	for file in 'bin/mrprober' 'mrprober/mrprober-MODULE\.so' \
		'share/bash-completion/completions/mrprober' 'share/zsh/vendor-completions/_mrprober' \
		'share/fish/vendor_completions\.d/mrprober\.fish' 'man/man1/mrprober\.1' 'man/man5/mrprober-configs\.5' \
		'sysusers\.d/mrprober\.conf' 'doc/mrprober/LICENSE' \
		'share/mrprober/schemas/prober\.schema\.json' 'share/mrprober/schemas/plan\.schema\.json'; do
		grep -q "/$file\$" ../files || {
			cat ../files
			fail "no $file"
		}
	done
	program=$(find "$PWD" -path '*/bin/mrprober')
	"$program" version
	if command -v readelf >/dev/null; then
		! readelf -d "$program" | grep -E 'R(UN)?PATH.*(\[:|::|:\]|\[\])' || fail 'libraries are looked for in the working folder'
	fi
	"$program" help config >../page
	expect_equal 'schema' "$(cat "$(find . -name prober.schema.json)")" "$("$program" config schema prober)"
	# modules are found from where the program lies, not only where it was built to be
	"$program" api migrate --database "sqlite:$MRP_SCRATCH/try.sqlite"
	[ -s "$MRP_SCRATCH/try.sqlite" ] || fail 'no database'
}

# What systemd thinks of the units. API and creator share the state folder, so they are one user, and not the one that agents
# run probers as.
test_units()
{
	command -v systemd-analyze >/dev/null || skip 'systemd is not installed'
	DESTDIR=$MRP_SCRATCH/stage cmake --install "$MRP_BUILD" >log
	cd "$MRP_SCRATCH/stage" || exit 1
	program=$(find "$PWD" -path '*/bin/mrprober')
	mkdir ../units
	folder=$(find . -path '*/systemd/system')
	for unit in "$folder"/mrprober-*.service; do
		sed "s|^ExecStart=[^ ]*|ExecStart=$program|; /^Documentation=/d" "$unit" >"../units/${unit##*/}"
		systemd-analyze verify "../units/${unit##*/}" >../said 2>&1 || fail "$unit: $(cat ../said)"
		[ ! -s ../said ] || fail "$unit: $(cat ../said)"
	done
	expect_equal 'users' 'User=mrprober-api' "$(grep -h ^User= ../units/mrprober-api.service ../units/mrprober-creator.service | sort -u)"
}
