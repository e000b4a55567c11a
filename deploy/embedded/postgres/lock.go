package postgres

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// lockFolder claims the data folder for this process. The claim ends with the process, however it ends, so a lock that
// can be taken proves that whatever still runs on the data was left behind.
func lockFolder(c Config) (*os.File, error) {
	file, err := os.OpenFile(c.lockFile(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, folderProblem(c.Dir, err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(c.lockFile()) // only for the sentence
		_ = file.Close()
		return nil, problem(FolderInUse, err, "the data folder %s is in use by another rapport (process %s); stop that one or choose another folder with --data",
			c.Dir, strings.TrimSpace(string(holder)))
	}
	err = file.Truncate(0)
	if err == nil {
		_, err = fmt.Fprintln(file, os.Getpid())
	}
	if err != nil {
		_ = file.Close()
		return nil, folderProblem(c.Dir, err)
	}
	return file, nil
}
