package service

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/rapport-crm/rapport/store"
)

// ErasureLog is a file of erasures beside the database, a line of JSON each, that is only ever added to. Several processes may write
// the same one.
type ErasureLog struct{ Path string }

// maxErasureLine bounds a line that is read, in bytes.
const maxErasureLine = 1 << 20

// Append writes lines, and returns when they are on disk.
func (l ErasureLog) Append(lines [][]byte) (err error) {
	file, err := os.OpenFile(l.Path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open log of erasures: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var text []byte
	if end, err := file.Seek(0, io.SeekEnd); err == nil && end > 0 {
		last := make([]byte, 1)
		if _, err := file.ReadAt(last, end-1); err == nil && last[0] != '\n' { // whoever wrote it was killed
			text = append(text, '\n')
		}
	}
	for _, line := range lines {
		text = append(text, line...)
	}
	if _, err := file.Write(text); err != nil {
		return fmt.Errorf("write log of erasures: %w", err)
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("write log of erasures: %w", err)
	}
	return nil
}

// Read returns what was written, in order. There is nothing in a file that is not there. Lines that cannot be read, since whoever wrote
// them was killed, are left out and counted: what they say was written again then.
func (l ErasureLog) Read() (records []store.ErasureRecord, broken int, err error) {
	file, err := os.Open(l.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("open log of erasures: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxErasureLine)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var r store.ErasureRecord
		if json.Unmarshal(lines.Bytes(), &r) != nil || len(r.Receipt.Receipt) == 0 {
			broken++
			continue
		}
		records = append(records, r)
	}
	if err := lines.Err(); err != nil {
		return nil, 0, fmt.Errorf("read log of erasures: %w", err)
	}
	return records, broken, nil
}

// ReplayErasures does those erasures again that are in the log and that the database does not know of, because an older state of it was
// restored. It is called before anything is sent. Without a log there is nothing to do.
func (c *Config) ReplayErasures(ctx context.Context) (done int, err error) {
	if c.ErasureLog == "" {
		return 0, nil
	}
	records, broken, err := ErasureLog{Path: c.ErasureLog}.Read()
	if err != nil {
		return 0, err
	}
	if broken > 0 {
		c.Log.WarnContext(ctx, "lines of the log of erasures cannot be read", "file", c.ErasureLog, "lines", broken)
	}
	if done, err = c.Store.ReplayErasures(ctx, records); err != nil {
		return done, fmt.Errorf("do erasures of the log again: %w", err)
	}
	if done > 0 {
		c.Log.WarnContext(ctx, "the database was older than the log of erasures: they were done again", "erasures", done)
	}
	return done, nil
}
