# complete.zsh COMPLETION - as complete.bash, for zsh, whose completion runs at a terminal only: a second zsh has one of its own.
zmodload zsh/zpty zsh/zselect
export COMPLETION=$1 OFFERED=$(mktemp)
trap 'rm -f $OFFERED' EXIT
setup='PS1= TERM=dumb; autoload -Uz compinit && compinit -D -u; source $COMPLETION
typeset -a offered
compadd() {
    if [[ $* != *-[OAD]\ * ]]; then
        local -a words
        builtin compadd -A words "$@"
        offered+=($words)
    fi
    builtin compadd "$@"
}
tell() { print -r -- ${(u)offered} >>$OFFERED; offered=() }
zle -C offer complete-word ask
ask() { _main_complete; tell; compstate[insert]= compstate[list]= }
bindkey -e; bindkey "^I" offer
print >>$OFFERED'
zpty shell zsh -f -i
zpty -w shell $setup
told() { # the number of lines becomes $1
    repeat 1000; do
        [[ $(wc -l <$OFFERED) -ge $1 ]] && return
        zselect -t 1
    done
    print -u2 "zsh does not answer"
    exit 1
}
told 1
lines=1
while IFS= read -r line; do
    zpty -w -n shell $'\x15'$line$'\t'
    told $((++lines))
done
sed 1d $OFFERED
