#!/bin/sh
# lint.sh SOURCE_ROOT - the rules of the house that a compiler does not know. Prints every break; exits 1 if there is any.
cd "$1" || exit 2
found=$(
    # Include direction.
    grep -rnoE '^#include "[^"]+"' src | sed 's/^\([^:]*\):[0-9]*:#include "\(.*\)"/\1 \2/' | awk '
        function folder(path) { sub(/^src\//, "", path); sub(/\/[^\/]*$/, "", path); return path }
        FILENAME == ARGV[1] { if ($1 ~ /^[0-9]/) for (i = 2; i <= NF; i++) rank[$i] = $1; next }
        {
            from = folder($1); to = folder($2)
            if (!(from in rank)) { print $1 ": its folder has no rank in tests/lint/layers.txt"; next }
            if (to == $2 || from == to) next
            if (!(to in rank)) print $1 ": includes " $2 ", whose folder has no rank"
            else if (rank[to] >= rank[from]) print $1 ": includes " $2 ", which is not below it"
        }' tests/lint/layers.txt -
    # One door per package.
    door() { grep -rlE "#include <($1)" src | grep -vxE "$2" | sed "s#\$#: includes <$1>, whose door is $2#"; }
    door 'cjson/' 'src/base/json.c'
    door 'cblas.h' 'src/nn/blas.c'
    door 'omp.h' 'src/base/parallel.c'
    door 'zip.h' 'src/import/zip.c'
    door 'sha256.h' 'src/base/sha256.c'
    door 'utf8proc.h' 'src/tokenizer/unicode.c'
    door 'zlib.h' 'src/base/gzip.c'
    door 'jpeglib.h|jerror.h' 'src/media/jpeg.c'
    door 'libav|libsw' 'src/media/ffmpeg.*'
    # The program knows the public headers and base/ only.
    grep -rnE '#include "(tensor|kernels|nn|model|family|api|import|media|sample|tokens|tokenizer|value|dataset|train|bench)/' src/cli |
        sed 's/$/  - the program uses public headers and base\/ only/'
    # What a family knows stays in its folder: others go through family/family.h.
    grep -rnE '#include "family/[a-z0-9_]+/' src | awk -F'[/:"]' '{ own = $1 == "src" && $2 == "family" ? $3 : ""; match($0, /#include "family\/[a-z0-9_]+/)
        other = substr($0, RSTART + 17, RLENGTH - 17); if (own != other) print $0 "  - only the family itself includes its headers" }'
    # Threads belong to the layers.
    grep -rln '#pragma omp' src | grep -vE '^src/(nn|model|family|train|bench)/' | sed 's/$/: has a pragma omp outside nn, model, family, train and bench/'
    # The library never prints and never ends the process.
    grep -rnE '\b(printf|puts|putchar|fprintf\(std|perror|exit|abort)\(' src --include='*.c' | grep -v '^src/cli/' |
        grep -vE 'snprintf|vsnprintf|cv_buffer_printf' | sed 's/$/  - the library never prints or exits/'
    # Sizes are checked where memory is taken.
    grep -rnE '\b(malloc|calloc|realloc|strdup|asprintf|posix_memalign)\(' src --include='*.c' | grep -vE '^src/(cli/|base/mem\.c)' |
        sed 's/$/  - memory is taken through base\/mem.h/'
    # One name, one type: two headers that give it to different ones cannot meet in a file.
    grep -rhoE '^} cv_[a-z0-9_]+;' src --include='*.h' | sort | uniq -d | sed 's/^} //; s/;$/: is the name of two types/'
    # Lines, files, white space.
    find src include tests -name '*.[ch]' -exec awk '
        length($0) > 120 && !/"/ { print FILENAME ":" FNR ": a line of " length($0) " bytes" }
        /[ \t]$/ { print FILENAME ":" FNR ": white space at the end" }
        /\t/ { print FILENAME ":" FNR ": a tab" }
        FNR == 801 { print FILENAME ": more than 800 lines" }' {} +
    # The layout is that of .clang-format, as the version of Debian 12 has it.
    case $(clang-format --version 2>/dev/null) in *"version 14."*)
        find src include tests -name '*.[ch]' -exec clang-format --dry-run {} + 2>&1 | grep ': warning:' |
            sed 's/: warning:.*/: is not laid out as clang-format does it/' ;;
    esac
)
[ -z "$found" ] && exit 0
printf '%s\n' "$found"
exit 1
