package command

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api/client"
)

// feeding is a file on its way to a server.
type feeding struct {
	client  *client.Client
	file    *os.File
	bar     *bar
	rejects *lazyFile
}

// feed opens a file and has it sent, with progress. What the server rejects goes to a report, by default beside the file, and
// makes the command's answer no.
func (r *remote) feed(cmd *cobra.Command, what, path, report string, send func(*feeding) (rejected int, err error)) error {
	c, err := r.open()
	if err != nil {
		return err
	}
	f, size, err := openInput(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if report == "" {
		report = path + ".rejected.csv"
	}
	rejects := &lazyFile{path: report}
	rejected, err := send(&feeding{client: c, file: f, bar: newBar(cmd, what, size), rejects: rejects})
	if err := rejects.close(); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	switch {
	case rejected > 0:
		cmd.Println("Rejected, with the reason: " + report)
		return errNo
	case rejects.file != nil:
		cmd.Println("What could not be read, with the reason: " + report)
	}
	return nil
}

func openInput(path string) (*os.File, int64, error) {
	f, err := os.Open(path) //nolint:gosec // the person who runs the command named it
	if os.IsNotExist(err) {
		return nil, 0, fmt.Errorf("there is no file %s", path)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("open input: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("open input: %w", err)
	}
	return f, info.Size(), nil
}

// lazyFile is a file that exists only once something is written to it.
type lazyFile struct {
	path string
	file *os.File
}

// Write creates the file at first.
func (l *lazyFile) Write(p []byte) (int, error) {
	if l.file == nil {
		f, err := os.Create(l.path)
		if err != nil {
			return 0, fmt.Errorf("write report: %w", err)
		}
		l.file = f
	}
	return l.file.Write(p)
}

func (l *lazyFile) close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
