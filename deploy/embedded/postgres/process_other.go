//go:build unix && !linux

package postgres

import "syscall"

// childAttributes puts the child in a group of its own, so that Ctrl-C in the terminal reaches us alone and we stop it
// in order. Should we die the child lives on, and the next start stops it.
func childAttributes(who account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: who.credential()}
}
