package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// superuser is the role that owns everything in the server.
const superuser = "rapport"

// cluster is the prepared data folder and what is needed to run programs on it.
type cluster struct {
	config   Config
	who      account
	programs binaries
	password string
}

// prepareCluster makes the data folder on the first start; later it only reads the password.
func prepareCluster(ctx context.Context, c Config, programs binaries) (*cluster, error) {
	who, err := chooseAccount(c.dataDir())
	if err != nil {
		return nil, err
	}
	cl := &cluster{config: c, who: who, programs: programs}
	if err := cl.checkReach(); err != nil {
		return nil, err
	}
	switch _, err := os.Stat(filepath.Join(c.dataDir(), "PG_VERSION")); {
	case errors.Is(err, fs.ErrNotExist):
		return cl, cl.create(ctx)
	case err != nil:
		return nil, folderProblem(c.Dir, err)
	}
	password, err := os.ReadFile(c.passwordFile())
	if err != nil {
		return nil, folderProblem(c.Dir, err)
	}
	cl.password = strings.TrimSpace(string(password))
	return cl, nil
}

// create initialises a new cluster in a draft folder and renames it when it is complete: a start that was cut short
// leaves nothing that looks like data.
func (cl *cluster) create(ctx context.Context) error {
	c := cl.config
	cl.password = rand.Text()
	draft := c.draftDir()
	err := errors.Join(
		os.RemoveAll(draft),
		os.Mkdir(draft, 0o700),
		os.WriteFile(c.passwordFile(), []byte(cl.password+"\n"), 0o600),
		cl.who.own(draft),
		cl.who.own(c.passwordFile()),
	)
	if err != nil {
		return folderProblem(c.Dir, err)
	}
	output, err := cl.initdb(ctx, "C.UTF-8")
	if err != nil && strings.Contains(output, "locale") { // older systems have no C.UTF-8
		output, err = cl.initdb(ctx, "C")
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return outputProblem(c.Dir, "postgres could not set up its data folder "+c.Dir, output, err)
	}
	return folderProblem(c.Dir, os.Rename(draft, c.dataDir()))
}

func (cl *cluster) initdb(ctx context.Context, locale string) (string, error) {
	password, err := os.Open(cl.config.passwordFile())
	if err != nil {
		return "", folderProblem(cl.config.Dir, err)
	}
	defer func() { _ = password.Close() }()
	args := []string{
		"--username=" + superuser, "--pwfile=/dev/stdin", "--auth=scram-sha-256",
		"--encoding=UTF8", "--locale=" + locale, "--no-instructions",
	}
	if !cl.config.Durable {
		args = append(args, "--no-sync")
	}
	cmd, release, err := cl.command("initdb", cl.config.draftDir(), args...)
	if err != nil {
		return "", err
	}
	defer release()
	cmd.Stdin = password
	return runProcess(ctx, cmd)
}

// command builds a command on the data folder dir. When it runs as another user that user may be unable to walk to the
// folder (a checkout in /root, say) although the folder is its own; so it gets the open folder instead of the path.
func (cl *cluster) command(program, dir string, args ...string) (cmd *exec.Cmd, release func(), err error) {
	release = func() {}
	cmd = exec.Command(cl.programs.program(program)) //nolint:gosec,noctx // a program found by us; its life is managed by process
	cmd.Dir = "/"                                    // a folder that any user can be in
	cmd.Env = append(os.Environ(), "LC_ALL=C", "PGDATA=")
	cmd.SysProcAttr = childAttributes(cl.who)
	if cl.passesFolder() {
		folder, openErr := os.Open(dir) //nolint:gosec // the operator's own folder
		if openErr != nil {
			return nil, release, folderProblem(cl.config.Dir, openErr)
		}
		release = func() { _ = folder.Close() }
		cmd.ExtraFiles = []*os.File{folder}
		dir = "/proc/self/fd/3" // the first of ExtraFiles
	}
	cmd.Args = append([]string{cmd.Path, "-D", dir}, args...)
	return cmd, release, nil
}

// passesFolder tells whether the data folder is handed over open rather than by path.
func (cl *cluster) passesFolder() bool {
	_, err := os.Stat("/proc/self/fd")
	return cl.who.switches && err == nil
}

// checkReach finds the folder on the way to the data that keeps the account out, where that matters.
func (cl *cluster) checkReach() error {
	if !cl.who.switches || cl.passesFolder() {
		return nil
	}
	for dir := cl.config.Dir; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return folderProblem(cl.config.Dir, err)
		}
		if !cl.who.mayEnter(info) {
			return problem(FolderUnusable, nil,
				"postgres runs as user %s, who cannot enter %s on the way to the data folder; choose a folder outside it with --data or start rapport as an ordinary user",
				cl.who.name, dir)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// mayEnter reads the permission bits of a folder as the kernel would for this account.
func (a account) mayEnter(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	switch {
	case int(stat.Uid) == a.uid:
		return info.Mode()&0o100 != 0
	case int(stat.Gid) == a.gid:
		return info.Mode()&0o010 != 0
	}
	return info.Mode()&0o001 != 0
}

// prepareFolder makes the folder that holds everything.
func prepareFolder(c Config) error {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil { //nolint:gosec // what is secret inside has its own permissions
		return folderProblem(c.Dir, err)
	}
	probe, err := os.CreateTemp(c.Dir, ".probe-")
	if err != nil {
		return folderProblem(c.Dir, err)
	}
	_, err = probe.Write(make([]byte, 64<<10))
	return folderProblem(c.Dir, errors.Join(err, probe.Close(), os.Remove(probe.Name())))
}
