#!/bin/bash
# Manual pages are well-formed, fit a terminal, and leave nothing out:
# every applet and option, configuration key and variable is documented.
set -u
cd "$(dirname "$0")/../.." || exit 1
aegis=${AEGIS:-build/release/aegis}
bad=0

complain() {
	echo "$*"
	bad=1
}

# Options of a page: "letter name" a line, "-" for none, from .It Fl lines.
page_options() {
	awk '
	/^\.It Fl/ {
		letter = "-"
		name = "-"
		for (i = 2; i < NF; i++) {
			if ($i != "Fl")
				continue
			word = $(i + 1)
			if (word == "Fl")
				word = "-" $(i + 2)
			if (word ~ /^-./)
				name = substr(word, 2)
			else if (length(word) == 1 && word != "-")
				letter = word
		}
		sub(/[=,].*/, "", name)
		print letter, name
	}' "$1" | sort -u
}

table_options() {
	"$aegis" --dump-options | awk -F '\t' -v applet="$1" \
		'$1 == applet { print $3, $4 }' | sort -u
}

shopt -s nullglob
pages=(man/*.[1-8])
if [ ${#pages[@]} -gt 0 ]; then
	# In their folder, so that pages find each other uninstalled.
	(cd man && mandoc -T lint -W style -- *.[1-8]) || bad=1
fi
for page in "${pages[@]}"; do
	mandoc -T ascii -O width=78 "$page" | col -b |
		awk -v page="$page" 'length > 80 {
			print page ": renders wider than 80 columns: " $0
			bad = 1
		}
		END { exit bad }' || bad=1
done

while read -r applet; do
	page=man/aegis-$applet.1
	[ -e "$page" ] || page=man/aegis-$applet.8
	if [ ! -e "$page" ]; then
		[ "$applet" = help ] || complain "no manual page for $applet"
		continue
	fi
	difference=$(diff <(table_options "$applet") <(page_options "$page") |
		grep '^[<>]') &&
		complain "$page: options differ (< table, > page):
$difference"
done < <("$aegis" --list)

if [ -e man/aegis.1 ]; then
	difference=$(diff <(table_options -) <(page_options man/aegis.1) |
		grep '^[<>]') &&
		complain "man/aegis.1: options differ (< table, > page):
$difference"
	while read -r variable; do
		grep -q "$variable" man/aegis*.[1-8] ||
			complain "$variable is not in the manual"
	done < <(grep -rhoE 'getenv\("[A-Z_]+"\)|"AEGIS_[A-Z_]+"' lib cmd tui |
		grep -oE '[A-Z][A-Z_]+' | sort -u)
else
	complain "no man/aegis.1"
fi

while read -r key; do
	grep -qF "$key" man/aegis.yaml.5 2>/dev/null ||
		complain "configuration key $key is not in aegis.yaml(5)"
done < <("$aegis" config keys -o value)
exit "$bad"
