package postgres

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// Reason classifies why Postgres did not start.
type Reason string

// The reasons a server does not start.
const (
	// NotInstalled means that no usable Postgres programs were found and none could be fetched.
	NotInstalled Reason = "not_installed"
	// PortBusy means that another program listens on the port.
	PortBusy Reason = "port_busy"
	// FolderUnusable means that the data folder cannot be made, written or reached.
	FolderUnusable Reason = "folder_unusable"
	// FolderFull means that the disk of the data folder is full.
	FolderFull Reason = "folder_full"
	// FolderInUse means that another running process owns the data folder.
	FolderInUse Reason = "folder_in_use"
	// StartFailed means that Postgres itself gave up; the sentence quotes its log.
	StartFailed Reason = "start_failed"
)

// Error is one sentence for the person who started the server: what is wrong and what to do next.
type Error struct {
	Reason   Reason
	Sentence string
	// Err is the cause, if there is one; it is not repeated in Error().
	Err error
}

// Error returns the sentence.
func (e *Error) Error() string { return e.Sentence }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func problem(reason Reason, cause error, format string, args ...any) *Error {
	return &Error{Reason: reason, Sentence: fmt.Sprintf(format, args...), Err: cause}
}

// folderProblem turns an error of the file system into a sentence about dir.
func folderProblem(dir string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fullProblem(dir, err)
	}
	cause := err
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		cause = path.Err
	}
	return problem(FolderUnusable, err,
		"the data folder %s cannot be used (%v); give the user who runs rapport write access to it or choose another with --data",
		dir, cause)
}

func fullProblem(dir string, err error) *Error {
	return problem(FolderFull, err, "the disk that holds the data folder %s is full; free some space or choose another folder with --data", dir)
}

// outputProblem explains a program of Postgres that failed, from the last lines it printed.
func outputProblem(dir, what string, output string, err error) *Error {
	switch {
	case strings.Contains(output, "No space left on device"):
		return fullProblem(dir, err)
	case strings.Contains(output, "Address already in use"):
		return problem(PortBusy, err, "postgres cannot listen on its port because another program took it; choose another with --postgres-port")
	}
	return problem(StartFailed, err, "%s: %s", what, lastLines(output, 5))
}

// lastLines joins the last n lines of output that say something.
func lastLines(output string, n int) string {
	var lines []string
	for line := range strings.Lines(output) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return "it printed nothing"
	}
	return strings.Join(lines[max(0, len(lines)-n):], " | ")
}
