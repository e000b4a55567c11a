package postgres

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// leftoverPatience is how long a server left behind may take to shut down before it is killed.
const leftoverPatience = 30 * time.Second

// clearLeftover stops a server that an earlier, killed parent left on the data folder. The caller holds the lock, so
// nobody else is using it.
func clearLeftover(ctx context.Context, c Config, log *slog.Logger) error {
	postmaster := readPid(c.pidFile())
	if postmaster == 0 {
		return nil
	}
	tenants := processesIn(ctx, c.dataDir(), postmaster)
	if len(tenants) > 0 {
		log.InfoContext(ctx, "stopping the postgres that an earlier run left behind", "pid", postmaster)
	}
	killAt := time.Now().Add(leftoverPatience)
	if slices.Contains(tenants, postmaster) {
		_ = syscall.Kill(postmaster, syscall.SIGINT) // its children follow it
	}
	for len(tenants) > 0 {
		if time.Now().After(killAt) {
			for _, pid := range tenants {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		select {
		case <-ctx.Done():
			return problem(FolderInUse, ctx.Err(), "the postgres with process id %d still runs on %s and does not stop; end it and start again", postmaster, c.Dir)
		case <-time.After(20 * time.Millisecond):
		}
		tenants = processesIn(ctx, c.dataDir(), postmaster)
	}
	return removeForeignPid(c.pidFile())
}

// removeForeignPid removes a pid file whose number now belongs to an unrelated process (or to a dead one that nobody
// reaped, as in many containers): Postgres would take it for a living server and refuse to start. The file of a process
// that is plainly gone stays: Postgres handles that one itself.
func removeForeignPid(pidFile string) error {
	pid := readPid(pidFile)
	if pid == 0 || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || !canListProcesses() {
		return nil
	}
	return os.Remove(pidFile)
}

// readPid returns the process id in the first line of a pid file, or 0.
func readPid(file string) int {
	text, err := os.ReadFile(file) //nolint:gosec // inside the operator's own folder
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid < 0 {
		return 0
	}
	return pid
}

// canListProcesses tells whether the system shows every process and its working folder, as Linux does.
func canListProcesses() bool {
	_, err := os.Stat("/proc/self/cwd")
	return err == nil
}

// processesIn returns the living processes of the server on dataDir. All of them work inside the data folder; where that
// cannot be seen, the process is believed when its command line is that of a server on this folder.
func processesIn(ctx context.Context, dataDir string, postmaster int) []int {
	if !canListProcesses() {
		command, err := exec.CommandContext(ctx, "ps", "-o", "command=", "-p", strconv.Itoa(postmaster)).Output() //nolint:gosec // a number
		if err == nil && strings.Contains(string(command), "postgres") && strings.Contains(string(command), dataDir) {
			return []int{postmaster}
		}
		return nil
	}
	home, err := os.Stat(dataDir)
	if err != nil {
		return nil
	}
	folders, _ := filepath.Glob("/proc/[0-9]*/cwd") // the pattern is well-formed
	var pids []int
	for _, folder := range folders {
		where, err := os.Stat(folder) // a dead process has none
		if err != nil || !os.SameFile(home, where) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(folder))); err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}
