package crm

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// AuditCheck is what an export of the audit log is checked against. The zero value checks the chain alone.
type AuditCheck struct {
	Key         ed25519.PublicKey  // of the installation; nil: signatures are not looked at
	Checkpoints []SignedCheckpoint // that were kept apart from the database, in any order
	Whole       bool               // refuse an export that does not begin at the first entry and go to the last
	Progress    func(number int64) // called for every entry; may be nil
}

// AuditResult is what a check has found in order.
type AuditResult struct {
	First, Last int64 // entries; Last < First: none
	Hash        string
	Checkpoints int // that the log agrees with
	Unchecked   int // checkpoints of entries that the export does not have
	Openings    int // commitments that could be opened
	Signed      bool
}

// AuditError says where an audit log is not what it was.
type AuditError struct {
	Number int64 // the first entry that is wrong; 0: the log as a whole
	Reason string
}

// Error says which entry, and why.
func (b *AuditError) Error() string {
	if b.Number == 0 {
		return "the audit log is broken: " + b.Reason
	}
	return fmt.Sprintf("the audit log is broken at entry %d: %s", b.Number, b.Reason)
}

// VerifyAudit walks through an export of the audit log: a first line with a checkpoint of what it holds, then a line of JSON for each
// entry. The error is an *AuditError that names the first entry that is wrong, or says that the export cannot be read. It has to be byte
// for byte as Rapport writes it.
func VerifyAudit(export io.Reader, check AuditCheck) (AuditResult, error) {
	v := &auditVerifier{AuditCheck: check, lines: bufio.NewReaderSize(export, 1<<16)}
	if err := v.begin(); err != nil {
		return AuditResult{}, err
	}
	for {
		line, err := v.line()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return v.result, err
		}
		if err := v.entry(line); err != nil {
			return v.result, err
		}
	}
	return v.result, v.end()
}

type auditVerifier struct {
	AuditCheck

	lines  *bufio.Reader
	header AuditCheckpoint
	marks  []AuditCheckpoint // by number
	result AuditResult
}

// maxAuditLine bounds a line, in bytes: one entry may be about a thousand candidates.
const maxAuditLine = 16 << 20

// line returns the next line, which ends with a newline.
func (v *auditVerifier) line() ([]byte, error) {
	var line []byte
	for {
		part, err := v.lines.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line[:len(line)-1], nil
		case errors.Is(err, bufio.ErrBufferFull) && len(line) < maxAuditLine:
			continue
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil, io.EOF
		case errors.Is(err, io.EOF), errors.Is(err, bufio.ErrBufferFull):
			return nil, &AuditError{v.result.Last + 1, "its line is cut off"}
		}
		return nil, fmt.Errorf("read export: %w", err)
	}
}

// begin reads the first line and the checkpoints.
func (v *auditVerifier) begin() error {
	line, err := v.line()
	var signed SignedCheckpoint
	if err != nil || !exact(line, &signed) {
		return &AuditError{Reason: "the export does not begin as Rapport writes it"}
	}
	if v.header, err = signed.Open(v.Key); err != nil {
		return &AuditError{Reason: "the export's first line: " + err.Error()}
	}
	h := &v.header
	if h.First < 1 || h.Number < h.First-1 || (h.First == 1) != (h.Previous == "") {
		return &AuditError{Reason: "the export's first line contradicts itself"}
	}
	if v.Whole && (h.First != 1 || !h.Whole) {
		return &AuditError{Reason: "the export is only a part of the log"}
	}
	v.result = AuditResult{First: h.First, Last: h.First - 1, Hash: h.Previous, Signed: v.Key != nil}
	for i := range v.Checkpoints {
		mark, err := v.Checkpoints[i].Open(v.Key)
		if err != nil {
			return fmt.Errorf("checkpoint %d of those given: %w", i+1, err)
		}
		v.marks = append(v.marks, mark)
	}
	slices.SortStableFunc(v.marks, func(a, b AuditCheckpoint) int { return int(a.Number - b.Number) })
	return v.pass(v.result.Last)
}

// exact reads a line of JSON that has to be just as it would be written.
func exact(line []byte, into any) bool {
	if err := json.Unmarshal(line, into); err != nil {
		return false
	}
	again, err := json.Marshal(into)
	return err == nil && bytes.Equal(line, again)
}

func (v *auditVerifier) entry(line []byte) error {
	number := v.result.Last + 1
	var e AuditLine
	broken := func(reason string) error { return &AuditError{number, reason} }
	switch {
	case !exact(line, &e):
		return broken("its line is not as Rapport writes it")
	case !e.At.Equal(e.At.Truncate(time.Microsecond)), e.At.Location() != time.UTC: // the hash does not cover how else it could be written
		return broken("its time is not as Rapport writes it")
	case e.Number != number:
		return broken(fmt.Sprintf("entry %d is in its place", e.Number))
	case number > v.header.Number:
		return broken("the export's first line does not know of it")
	case e.Previous != v.result.Hash:
		return broken("it does not follow the one before")
	case e.Sum() != e.Hash:
		return broken("it was changed: its hash is another")
	}
	for i := range e.Openings {
		o := &e.Openings[i]
		if o.Part < 0 || o.Part >= len(e.Commitments) || o.Commitment() != e.Commitments[o.Part] || i > 0 && o.Part <= e.Openings[i-1].Part {
			return broken("what a commitment is said to have been made from is wrong")
		}
		v.result.Openings++
	}
	v.result.Last, v.result.Hash = number, e.Hash
	if v.Progress != nil {
		v.Progress(number)
	}
	return v.pass(number)
}

// pass compares the checkpoints of an entry.
func (v *auditVerifier) pass(number int64) error {
	for len(v.marks) > 0 && v.marks[0].Number <= number {
		mark := v.marks[0]
		v.marks = v.marks[1:]
		switch {
		case mark.Number < number:
			v.result.Unchecked++ // before the export begins
		case mark.Hash != v.result.Hash:
			return &AuditError{number, "a checkpoint of " + mark.At.Format("2006-01-02 15:04:05") + " knows it with another hash: the log was written anew up to here"}
		default:
			v.result.Checkpoints++
		}
	}
	return nil
}

func (v *auditVerifier) end() error {
	if v.result.Last != v.header.Number {
		return &AuditError{v.result.Last + 1, fmt.Sprintf("it is missing: the export should go to entry %d", v.header.Number)}
	}
	if v.result.Hash != v.header.Hash {
		return &AuditError{v.result.Last, "the export's first line knows it with another hash"}
	}
	for _, mark := range v.marks {
		if v.header.Whole && !mark.At.After(v.header.At) {
			return &AuditError{v.result.Last + 1, fmt.Sprintf("it is missing: a checkpoint of %s knows entries up to %d", mark.At.Format("2006-01-02 15:04:05"), mark.Number)}
		}
		v.result.Unchecked++
	}
	return nil
}
