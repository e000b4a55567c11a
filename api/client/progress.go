package client

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// headBytes is how much of a file's beginning tells it from another one.
const headBytes = 64 << 10

// progress is how far a file was sent. It is kept beside the file until all of it is sent.
type progress struct {
	Size       int64       `json:"size"`
	Head       string      `json:"head"` // SHA-256 of the beginning, in hex
	RecordOnly bool        `json:"record_only"`
	BatchSize  int         `json:"batch_size"`
	Offset     int64       `json:"offset"` // everything before it is confirmed
	Line       int         `json:"line"`   // the last line before it
	Summary    SendSummary `json:"summary"`
}

// openProgress reads how far the file was sent and moves there. A file that is not the same, or is sent otherwise, is begun
// again.
func openProgress(f io.ReadSeeker, opts SendOptions) (*progress, error) {
	head, err := headOf(f)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	p := &progress{Size: size(f), Head: head, RecordOnly: opts.RecordOnly, BatchSize: opts.BatchSize}
	if opts.State != "" {
		if before, ok := readProgress(opts.State); ok && before.sameAs(p) {
			before.Summary.Resumed = before.Offset > 0
			p = before
		}
	}
	if _, err := f.Seek(p.Offset, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return p, nil
}

func (p *progress) sameAs(q *progress) bool {
	return p.Size == q.Size && p.Head == q.Head && p.RecordOnly == q.RecordOnly && p.BatchSize == q.BatchSize && p.Offset <= q.Size
}

func headOf(f io.ReadSeeker) (string, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(f, headBytes)); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// readProgress reads the state of an interrupted run. One that cannot be read is as good as none: sending again is harmless.
func readProgress(path string) (*progress, bool) {
	text, err := os.ReadFile(path) //nolint:gosec // the path is the user's own
	if err != nil {
		return nil, false
	}
	var p progress
	return &p, json.Unmarshal(text, &p) == nil && len(p.Head) == 2*sha256.Size
}

// save replaces the state in one step, so that a crash leaves the old or the new one.
func (p *progress) save(path string) error {
	if path == "" {
		return nil
	}
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("write progress: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write progress: %w", err)
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write progress: %w", err), os.Remove(file.Name()))
	}
	return nil
}

func (p *progress) remove(path string) error {
	if path == "" {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove progress: %w", err)
	}
	return nil
}
