# bash completion for aegis, made by `aegis completion bash`
_aegis_words() {
	local applet='' command='' word skip=''
	words=''
	case ${1##*/} in
	aegis-*) applet=${1##*/aegis-}; applet=${applet#aegis-} ;;
	esac
	shift
	for word in "$@"; do
		if [ -n "$skip" ]; then skip=''; continue; fi
		case $word in
		--config|--socket|--output|--timeout|--color|--repo|--recipient|--roster|--identity|--roster|--passphrase-fd|--identity|--roster|--to|--passphrase-fd|--clients|--rate|--mix|--seconds|--requests|--warmup|--value-bytes|--keys|--spread|--consistency|--watchers|--prefix|--seed|--nodes|--observers|--strategy|--name|--base-port|--signal|--data|--roster|--key-file|--passphrase-fd|--token|--pin-file|--pin-fd|--escrow-secret|--from|--limit|--from|--limit|--at|--from|--limit|--interval|--verify|--recipient|--recipients-file|--passphrase-fd|--work|--out|--identity|--pin-file|--pin-fd|--passphrase-fd|--range|--out|--identity|--pin-file|--pin-fd|--passphrase-fd|--recipient|--recipients-file|--new-passphrase-fd|--work|--out|--family|--threshold|--count|--custodian|--secret|--keyring|--keyring-key-file|--keyring-passphrase-fd|--keyring-token|--keyring-pin-file|--keyring-pin-fd|--keyring-escrow-secret|--delay|--roster|--out|--identity|--passphrase-fd|--remove|--out|--out|--reason|--to|--delay|--roster|--out|--roster|--identity|--data|--passphrase-fd|--roster|--out|--roster|--identity|--passphrase-fd|--package|--roster|--out|--identity|--passphrase-fd|--out|--algorithm|--length|--provider|--algorithm|--bits|--type|--format|--out|--comment|--passphrase-fd|--work|--format|--new-passphrase-fd|--new-passphrase-fd|--data-dir|--key-file|--passphrase-fd|--token|--pin-file|--pin-fd|--escrow-secret|--reason|--identity|--data|--order-file|--max-age|--max-bytes|--on-member-change|--reason|--identity|--data|--order-file|--identity|--data|--new-key-file|--new-token|--new-pin-file|--new-pin-fd|--new-passphrase-fd|--work|--label|--new-key-file|--new-token|--new-pin-file|--new-pin-fd|--new-passphrase-fd|--work|--keep-key-file|--keep-passphrase-fd|--keep-token|--keep-pin-file|--keep-pin-fd|--keep-escrow-secret|--name|--work|--consistency|--roster|--max-age|--proof|--at|--file|--if-version|--lease|--if-version|--consistency|--at|--limit|--after|--from|--to|--limit|--roster|--max-age|--key|--from|--format|--after|--consistency|--format|--progress|--ttl|--wait|--roster|--out|--roster|--identity|--data|--passphrase-fd|--pin-file|--pin-fd|--out|--roster|--identity|--data|--passphrase-fd|--pin-file|--pin-fd|--identity|--data|--passphrase-fd|--pin-file|--pin-fd|--identity|--data|--passphrase-fd|--pin-file|--pin-fd|--identity|--data|--passphrase-fd|--pin-file|--pin-fd|--out|--data-dir|--name|--listen|--keyring-key-file|--keyring-passphrase-fd|--keyring-token|--keyring-pin-file|--keyring-pin-fd|--work|--token|--pin-file|--pin-fd|--passphrase-fd|--keyring-passphrase-fd|--keyring-pin-file|--keyring-pin-fd|--pin-file|--pin-fd|--name|--address|--role|--data|--identity|--link|--out|--passphrase-fd|--pin-file|--pin-fd|--name|--strategy|--operator|--policy|--restored|--out|--identity|--data|--passphrase-fd|--pin-file|--pin-fd|--out|--epoch|--epoch|--key|--namespace|--format|--signature|--comment|--trusted|--passphrase-fd|--pin-file|--pin-fd|--pin-file|--pin-fd|--format|--algorithm|--out|--comment|--once|--size|--screen|--interval|--theme|--fixture|--clock|--frame-fd|--public-key|--allowed-signers|--identity|--namespace|--signature|--verify-time|-c|-s|-o|-t) skip=1 ;;
		-*) ;;
		*)
			if [ -z "$applet" ]; then
				applet=$word
			elif [ -z "$command" ]; then
				case $applet in
				backup|cluster|completion|config|consensus-inspect|crypt|escrow|keygen|keys|kv|member|node|roster|token) command=$word ;;
				esac
			fi ;;
		esac
	done
	if [ -n "$skip" ]; then return; fi
	case "$applet $command" in
	'backup ') words=' create list show verify restore -R --repo' ;;
	'backup create') words=' -r --recipient --roster -R --repo' ;;
	'backup list') words=' -R --repo' ;;
	'backup show') words=' -R --repo' ;;
	'backup verify') words=' -a --all -i --identity --roster --passphrase --passphrase-fd -R --repo' ;;
	'backup restore') words=' -i --identity --roster --to --passphrase --passphrase-fd -R --repo' ;;
	'bench ') words=' --clients --rate --mix --seconds --requests --warmup --value-bytes --keys --spread --consistency --watchers --prefix --seed --keep -y --yes' ;;
	'cluster ') words=' init up down kill status' ;;
	'cluster init') words=' -n --nodes --observers --strategy --name --base-port' ;;
	'cluster up') words=' --any' ;;
	'cluster down') words='' ;;
	'cluster kill') words=' -S --signal' ;;
	'cluster status') words='' ;;
	'completion ') words=' bash zsh fish' ;;
	'completion bash') words='' ;;
	'completion zsh') words='' ;;
	'completion fish') words='' ;;
	'config ') words=' check show keys explain example' ;;
	'config check') words='' ;;
	'config show') words=' --origin' ;;
	'config keys') words='' ;;
	'config explain') words='' ;;
	'config example') words='' ;;
	'consensus-inspect ') words=' status rounds votes views trace diff replay cert evidence verify -d --data --roster --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'consensus-inspect status') words=' -d --data --roster --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'consensus-inspect rounds') words=' -f --from -n --limit -F --follow -d --data --roster --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'consensus-inspect votes') words=' -d --data --roster --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'consensus-inspect views') words=' -f --from -n --limit -d --data --roster --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'consensus-inspect trace') words=' -d --data --roster --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'consensus-inspect diff') words=' --at --keys -d --data --roster --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'consensus-inspect replay') words=' -f --from -n --limit --interval -d --data --roster --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'consensus-inspect cert') words=' -k --checkpoint -d --data --roster --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'consensus-inspect evidence') words=' --verify -d --data --roster --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'consensus-inspect verify') words=' -d --data --roster --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'crypt ') words=' encrypt decrypt inspect rewrap list' ;;
	'crypt encrypt') words=' -r --recipient -R --recipients-file --passphrase --passphrase-fd --work -a --armor -o --out -f --force' ;;
	'crypt decrypt') words=' -i --identity --pin-file --pin-fd --passphrase --passphrase-fd --range --stream -o --out -f --force' ;;
	'crypt inspect') words='' ;;
	'crypt rewrap') words=' -i --identity --pin-file --pin-fd --passphrase --passphrase-fd -r --recipient -R --recipients-file --new-passphrase --new-passphrase-fd --work -a --armor -o --out -f --force' ;;
	'crypt list') words=' -F --family' ;;
	'escrow ') words=' init check refresh rehearse request prove approve merge show list cancel submit recover' ;;
	'escrow init') words=' -k --threshold -n --count -c --custodian -s --secret --keyring --keyring-key-file --keyring-passphrase --keyring-passphrase-fd --keyring-token --keyring-pin-file --keyring-pin-fd --keyring-escrow-secret -d --delay -r --roster -o --out -f --force' ;;
	'escrow check') words=' -i --identity --passphrase --passphrase-fd' ;;
	'escrow refresh') words=' --remove -o --out -f --force' ;;
	'escrow rehearse') words=' -o --out -f --force' ;;
	'escrow request') words=' --reason -t --to -d --delay --offline -r --roster -o --out -f --force' ;;
	'escrow prove') words=' -r --roster' ;;
	'escrow approve') words=' -i --identity -d --data --passphrase --passphrase-fd -r --roster' ;;
	'escrow merge') words=' -o --out -f --force' ;;
	'escrow show') words=' -r --roster --offline' ;;
	'escrow list') words='' ;;
	'escrow cancel') words='' ;;
	'escrow submit') words=' -i --identity --passphrase --passphrase-fd -p --package -r --roster --offline -o --out -f --force' ;;
	'escrow recover') words=' -i --identity --passphrase --passphrase-fd -o --out -f --force' ;;
	'hash ') words=' -a --algorithm -l --length --provider -b --binary -t --text --tag -z --zero -c --check --ignore-missing --status --strict -w --warn --list' ;;
	'help ') words='' ;;
	'keygen ') words=' show check public convert passphrase -t --algorithm -b --bits -T --type -F --format -o --out -C --comment -f --force --passphrase --passphrase-fd --work' ;;
	'keygen show') words=' -t --algorithm -b --bits -T --type -F --format -o --out -C --comment -f --force --passphrase --passphrase-fd --work' ;;
	'keygen check') words=' -t --algorithm -b --bits -T --type -F --format -o --out -C --comment -f --force --passphrase --passphrase-fd --work' ;;
	'keygen public') words=' -F --format -t --algorithm -b --bits -T --type -F --format -o --out -C --comment -f --force --passphrase --passphrase-fd --work' ;;
	'keygen convert') words=' --new-passphrase --new-passphrase-fd --no-passphrase -t --algorithm -b --bits -T --type -F --format -o --out -C --comment -f --force --passphrase --passphrase-fd --work' ;;
	'keygen passphrase') words=' --new-passphrase --new-passphrase-fd --no-passphrase -t --algorithm -b --bits -T --type -F --format -o --out -C --comment -f --force --passphrase --passphrase-fd --work' ;;
	'keys ') words=' status rotate policy sign apply check epochs slots add-slot change-slot remove-slot renew-root create -D --data-dir --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'keys status') words=' -D --data-dir --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'keys rotate') words=' --reason --now -i --identity -d --data --order-file -D --data-dir --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'keys policy') words=' --max-age --max-bytes --on-member-change --reason -i --identity -d --data --order-file -D --data-dir --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'keys sign') words=' -i --identity -d --data -D --data-dir --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'keys apply') words=' -D --data-dir --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'keys check') words=' -D --data-dir --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'keys epochs') words=' -D --data-dir --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'keys slots') words=' -D --data-dir --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'keys add-slot') words=' --new-key-file --new-token --new-pin-file --new-pin-fd --new-passphrase --new-passphrase-fd --work --label -D --data-dir --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'keys change-slot') words=' --new-key-file --new-token --new-pin-file --new-pin-fd --new-passphrase --new-passphrase-fd --work -D --data-dir --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'keys remove-slot') words=' -D --data-dir --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'keys renew-root') words=' --keep-key-file --keep-passphrase --keep-passphrase-fd --keep-token --keep-pin-file --keep-pin-fd --keep-escrow-secret -y --yes -D --data-dir --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'keys create') words=' -n --name --work -D --data-dir --key-file --passphrase --passphrase-fd --token --pin-file --pin-fd --escrow-secret' ;;
	'kv ') words=' get put del list history verify watch txn export import lease lock request' ;;
	'kv get') words=' --consistency --roster --max-age --proof --at -w --watch' ;;
	'kv put') words=' -f --file --if-version --lease' ;;
	'kv del') words=' --if-version -p --prefix -y --yes' ;;
	'kv list') words=' --consistency --at -k --keys-only -n --limit --after --from --to' ;;
	'kv history') words=' -n --limit -r --reverse' ;;
	'kv verify') words=' --roster --max-age --key' ;;
	'kv watch') words=' --from' ;;
	'kv txn') words='' ;;
	'kv export') words=' --format --after --consistency' ;;
	'kv import') words=' --format --if-absent --dry-run --progress' ;;
	'kv lease') words=' -1 --once' ;;
	'kv lock') words=' --ttl --wait' ;;
	'kv request') words='' ;;
	'member ') words=' list plan sign merge show apply add rm replace promote export' ;;
	'member list') words='' ;;
	'member plan') words=' -r --roster --observer -o --out -f --force' ;;
	'member sign') words=' -r --roster -i --identity -d --data --passphrase --passphrase-fd --pin-file --pin-fd' ;;
	'member merge') words=' -o --out -f --force' ;;
	'member show') words=' -r --roster' ;;
	'member apply') words=' -y --yes' ;;
	'member add') words=' --observer -i --identity -d --data --passphrase --passphrase-fd --pin-file --pin-fd -y --yes' ;;
	'member rm') words=' -i --identity -d --data --passphrase --passphrase-fd --pin-file --pin-fd -y --yes' ;;
	'member replace') words=' -i --identity -d --data --passphrase --passphrase-fd --pin-file --pin-fd -y --yes' ;;
	'member promote') words=' -i --identity -d --data --passphrase --passphrase-fd --pin-file --pin-fd -y --yes' ;;
	'member export') words=' -o --out -f --force' ;;
	'node ') words=' init run status rotate-link-key' ;;
	'node init') words=' -D --data-dir -n --name -l --listen --keyring-key-file --keyring-passphrase --keyring-passphrase-fd --keyring-token --keyring-pin-file --keyring-pin-fd --work --token --pin-file --pin-fd' ;;
	'node run') words=' --passphrase --passphrase-fd --keyring-passphrase --keyring-passphrase-fd --keyring-pin-file --keyring-pin-fd --pin-file --pin-fd' ;;
	'node status') words='' ;;
	'node rotate-link-key') words='' ;;
	'roster ') words=' member create sign merge verify show' ;;
	'roster member') words=' -n --name -a --address -r --role -d --data -i --identity -l --link -o --out -f --force --passphrase --passphrase-fd --pin-file --pin-fd' ;;
	'roster create') words=' -n --name --strategy -O --operator --policy --restored -o --out -f --force' ;;
	'roster sign') words=' -i --identity -d --data --passphrase --passphrase-fd --pin-file --pin-fd' ;;
	'roster merge') words=' -o --out -f --force' ;;
	'roster verify') words=' -e --epoch' ;;
	'roster show') words=' -e --epoch' ;;
	'sign ') words=' -i --key -n --namespace -F --format -s --signature -c --comment -t --trusted -f --force --passphrase --passphrase-fd --pin-file --pin-fd' ;;
	'token ') words=' list keys public generate --pin-file --pin-fd' ;;
	'token list') words=' --pin-file --pin-fd' ;;
	'token keys') words=' --pin-file --pin-fd' ;;
	'token public') words=' -F --format --pin-file --pin-fd' ;;
	'token generate') words=' -t --algorithm -o --out -C --comment -f --force --pin-file --pin-fd' ;;
	'tui ') words=' --once --size --screen --interval --ascii --theme --fixture --clock --frame-fd' ;;
	'verify ') words=' -p --public-key -f --allowed-signers -I --identity -n --namespace -s --signature --verify-time' ;;
	' ') words=' backup bench cluster completion config consensus-inspect crypt escrow hash help keygen keys kv member node roster sign token tui verify --list --list-full --install --dump-options' ;;
	*) return ;;
	esac
	words="$words -c --config -s --socket -o --output -t --timeout -q --quiet -v --verbose --color -h --help -V --version"
}
_aegis() {
	local words current=${COMP_WORDS[COMP_CWORD]}
	_aegis_words "${COMP_WORDS[@]:0:COMP_CWORD}"
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o default -F _aegis aegis aegis-backup aegis-bench aegis-cluster aegis-completion aegis-config aegis-consensus-inspect aegis-crypt aegis-escrow aegis-hash aegis-help aegis-keygen aegis-keys aegis-kv aegis-member aegis-node aegis-roster aegis-sign aegis-token aegis-tui aegis-verify
