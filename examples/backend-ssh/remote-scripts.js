// What the machine's own shell does: only the way to the supervisor, and what is left when that has gone. Each is one
// word for a login shell of any kind: no single quotes, backslashes or exclamation marks, and every line ends a command.

/** Exit codes by which START says why there is no supervisor. */
export const NO_PROGRAM = 66;
export const IN_USE = 67;

/** Where everything is: one directory of the user's own. */
const PLACE = `
umask 077;
case \${XDG_CACHE_HOME:-} in /*) cache=$XDG_CACHE_HOME ;; *) cache=$HOME/.cache ;; esac;
mkdir -p "$cache/companion-ssh/environments" && chmod 700 "$cache/companion-ssh" && cd "$cache/companion-ssh" || exit 70;
remove() { rm -rf "$1" 2> /dev/null || { chmod -R u+rwx "$1"; rm -rf "$1"; }; };
`;

/**
 * Root can do without a user namespace, and in one it would have a single user to give. Others have a second one inside, in
 * which they are themselves again.
 */
const NAMESPACES = `
namespaces="--mount --pid --fork --kill-child --net --ipc";
[ "$(id -u)" = 0 ] || namespaces="--user --map-root-user $namespaces";
`;

/** Says on one line what the machine is, after one for everything that it lacks. */
export const ASK = `
PATH=$PATH:/usr/sbin:/sbin;
for tool in flock ip mount pivot_root sha256sum tar unshare; do
command -v $tool > /dev/null || echo "companion-lacks $tool";
done;
${NAMESPACES}
inner=;
[ "$(id -u)" = 0 ] || inner="unshare --user --map-user=$(id -u) --map-group=$(id -g)";
unshare $namespaces $inner true || echo "companion-lacks namespaces";
echo "companion-machine $(uname -s) $(uname -m) $(id -u)";
`;

/** Takes the supervisor from standard input. Arguments: its hash. */
export const UPLOAD = `
${PLACE}
upload=$(mktemp ./upload.XXXXXX) || exit 70;
cat > "$upload" && echo "$1  $upload" | sha256sum -c > /dev/null && chmod 500 "$upload" && mv -f "$upload" "supervisor-$1" && exit 0;
rm -f "$upload";
exit 70;
`;

/**
 * Makes an environment and runs the supervisor in it. It stays behind it, and removes the environment when it has gone,
 * however that came. Arguments: the supervisor's hash, the name of the environment's directory, run or kept, ENTER.
 *
 * A directory is locked as long as it is in use. Those of runs that are not locked are what a machine has left that was
 * switched off: they go at the next start. One lock is around this and the making of directories.
 */
export const START = `
${PLACE}
program=supervisor-$1;
directory=environments/$2;
echo "$1  $program" | sha256sum -c > /dev/null 2>&1 || { echo "companion-machine $(uname -m)" >&2; exit ${NO_PROGRAM}; };
exec 8> lock;
flock 8 || exit 70;
for other in environments/run-*; do
if [ -d "$other" ]; then ( flock -n 9 && remove "$other" ) 9> "$other/lock"; fi;
done 2> /dev/null;
found=;
if [ -d "$directory/root" ]; then found=found; fi;
mkdir -p "$directory/root" && exec 9> "$directory/lock" || exit 70;
flock -n 9 || exit ${IN_USE};
exec 8>&-;
chmod 755 "$directory/root";
trap : HUP INT TERM;
${NAMESPACES}
unshare $namespaces sh -c "$4" enter "$directory/root" "$found" "$(id -u)" "$(id -g)" "$(id -un)" 7< "$program";
status=$?;
if [ "$3" = run ]; then remove "$directory"; fi;
exit $status;
`;

/** Removes an environment that was kept, unless it is in use. Arguments: the name of its directory. */
export const REMOVE = `
${PLACE}
directory=environments/$1;
exec 8> lock;
flock 8 || exit 70;
if [ -d "$directory" ]; then ( flock -n 9 && mv "$directory" "environments/run-removed-$$" && remove "environments/run-removed-$$" ) 9> "$directory/lock" || exit ${IN_USE}; fi;
`;

/**
 * In the new namespaces, as their root: makes the environment's own root directory the only one there is. Of the machine
 * it has the programs and settings, read-only. The supervisor comes by descriptor 7, so that nobody inside can have
 * changed it; and with the caller's own id, as ordinary processes have it. Arguments: the directory, found or nothing,
 * and the user's id, group and name.
 */
export const ENTER = `
set -e;
umask 022;
path=$PATH;
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin;
ip link set lo up;
mount --bind "$1" "$1";
cd "$1";
for name in bin etc lib lib32 lib64 libx32 nix opt sbin usr; do
if [ -L "/$name" ]; then
if [ -L "$name" ]; then :; else ln -s "$(readlink "/$name")" "$name"; fi;
elif [ -d "/$name" ]; then
mkdir -p "$name";
mount -o rbind,ro "/$name" "$name";
fi;
done;
mkdir -p dev proc;
mount -t tmpfs -o mode=755 companion dev;
for name in full null random tty urandom zero; do
: > "dev/$name";
mount --bind "/dev/$name" "dev/$name";
done;
mkdir dev/pts dev/shm;
chmod 1777 dev/shm;
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 companion dev/pts;
ln -s pts/ptmx dev/ptmx;
ln -s /proc/self/fd dev/fd;
ln -s fd/0 dev/stdin;
ln -s fd/1 dev/stdout;
ln -s fd/2 dev/stderr;
mount -t proc companion proc;
if [ "$3" = 0 ]; then
for name in bus fs irq sys sysrq-trigger; do
if [ -e "proc/$name" ]; then mount -o bind,ro "proc/$name" "proc/$name"; fi;
done;
fi;
pivot_root . .;
umount -l .;
cd /;
mkdir -p run tmp var/tmp "$HOME";
chmod 1777 tmp var/tmp;
found=$2;
uid=$3;
gid=$4;
set -- env -i PATH="$path" HOME="$HOME" USER="$5" LOGNAME="$5" LANG=C.UTF-8 COMPANION_FOUND="$found";
if [ "$uid" = 0 ]; then exec "$@" /proc/self/fd/7; fi;
exec "$@" unshare --user --map-user="$uid" --map-group="$gid" /proc/self/fd/7;
`;
