package postgres

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// account is the system user that Postgres runs as. Postgres refuses to run as root.
type account struct {
	name     string
	uid, gid int
	// switches tells that it is another user than ours.
	switches bool
}

// chooseAccount returns ourselves, or for root the owner of the existing data, the user postgres, or nobody.
func chooseAccount(dataDir string) (account, error) {
	if os.Geteuid() != 0 {
		return account{uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	if info, err := os.Stat(dataDir); err == nil {
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != 0 {
			return account{name: strconv.Itoa(int(stat.Uid)), uid: int(stat.Uid), gid: int(stat.Gid), switches: true}, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		entry, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(entry.Uid)
		gid, gidErr := strconv.Atoi(entry.Gid)
		if uidErr == nil && gidErr == nil && uid != 0 {
			return account{name: name, uid: uid, gid: gid, switches: true}, nil
		}
	}
	return account{}, problem(StartFailed, nil,
		"postgres cannot run as root and this machine has no user postgres or nobody; add one or start rapport as an ordinary user")
}

// credential is nil when no switch of user is needed.
func (a account) credential() *syscall.Credential {
	if !a.switches {
		return nil
	}
	return &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)} //nolint:gosec // ids of this system, never negative
}

// own gives a file or folder to the account.
func (a account) own(path string) error {
	if !a.switches {
		return nil
	}
	if err := os.Chown(path, a.uid, a.gid); err != nil {
		return fmt.Errorf("give %s to user %s: %w", path, a.name, err)
	}
	return nil
}
