package postgres

import "syscall"

// childAttributes puts the child in a group of its own, so that Ctrl-C in the terminal reaches us alone and we stop it
// in order, and has the kernel ask it for a fast shutdown should we die.
func childAttributes(who account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT, Credential: who.credential()}
}
