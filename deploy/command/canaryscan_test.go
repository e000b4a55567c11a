package command_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"html"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// window is how many bytes are compared at once: nothing shorter is looked for.
const window = 8

// needle is one form of a canary.
type needle struct {
	place string
	bytes []byte
}

// scanner finds many needles in one pass.
type scanner struct {
	filter [1 << 16]bool
	begins map[uint64][]needle // by their first bytes
}

func newScanner() *scanner { return &scanner{begins: map[uint64][]needle{}} }

func (s *scanner) add(place string, form []byte) {
	if len(form) < window {
		return
	}
	first := binary.LittleEndian.Uint64(form)
	s.filter[bucket(first)] = true
	s.begins[first] = append(s.begins[first], needle{place, form})
}

func bucket(first uint64) uint64 { return (first * 0x9E3779B97F4A7C15) >> 48 }

// find returns how often each place's canary is in a text.
func (s *scanner) find(text []byte) map[string]int {
	found := map[string]int{}
	for i := 0; i+window <= len(text); i++ {
		first := binary.LittleEndian.Uint64(text[i:])
		if !s.filter[bucket(first)] {
			continue
		}
		for _, n := range s.begins[first] {
			if bytes.HasPrefix(text[i:], n.bytes) {
				found[n.place]++
			}
		}
	}
	return found
}

// forms are the ways in which a text may be written down: as it is, in lower case, escaped for JSON, HTML and addresses, in base64 at each of its
// three alignments, and each of these in hex, as a dump writes bytea.
func forms(text string) [][]byte {
	all := map[string]bool{text: true, strings.ToLower(text): true, html.EscapeString(text): true, url.QueryEscape(text): true, url.PathEscape(text): true}
	escaped := strings.Trim(strconv.QuoteToASCII(text), `"`)
	all[escaped], all[strings.ReplaceAll(escaped, `\`, `\\`)] = true, true
	for shift := range 3 {
		// What comes before and after is not known, so the characters that it is part of are left out.
		code := base64.StdEncoding.EncodeToString(append(make([]byte, shift), text...))
		all[code[(shift*8+5)/6:(shift+len(text))*8/6]] = true
	}
	var list [][]byte
	for form := range all {
		list = append(list, []byte(form), []byte(hex.EncodeToString([]byte(form))), []byte(strings.ToUpper(hex.EncodeToString([]byte(form)))))
	}
	return list
}

// wholeScanner looks for canaries in all their forms.
func wholeScanner(people []*suspect) *scanner {
	s := newScanner()
	for _, p := range people {
		for place, text := range p.words {
			for _, form := range forms(text) {
				s.add(p.name+"'s "+place, form)
			}
		}
	}
	return s
}

// pieceScanner looks for all pieces of words too, since Postgres compresses long rows and pages of its log: what is not repeated is there
// byte by byte, with something in between after every eighth byte. Numbers are looked for as a whole, their pieces are everywhere.
func pieceScanner(people []*suspect) *scanner {
	s := wholeScanner(people)
	for _, p := range people {
		for place, text := range p.words {
			for _, form := range []string{text, strings.ToLower(text)} {
				for i := 0; i+window <= len(form) && form[0] != '+'; i++ {
					s.add(p.name+"'s "+place, []byte(form[i:i+window]))
				}
			}
		}
	}
	return s
}

// none reports whatever is found in a text.
func (s *scanner) none(t *testing.T, where string, text []byte) {
	t.Helper()
	for _, place := range slices.Sorted(maps.Keys(s.find(text))) {
		t.Errorf("%s has %s", where, place)
	}
}

// noneIn reports whatever is found in the files below a folder, except in those that skip names, and returns how many bytes were read.
func (s *scanner) noneIn(t *testing.T, dir string, skip ...string) (read int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err == nil && entry.IsDir() && slices.Contains(skip, name) {
			return filepath.SkipDir
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		read += len(text)
		s.none(t, "the file "+name, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// dump is a database as pg_dump writes it.
func (v *victim) dump(database string) []byte {
	v.t.Helper()
	out, err := exec.CommandContext(v.t.Context(), "pg_dump", "--format=plain", v.databaseURL(database)).Output()
	if err != nil {
		v.t.Fatalf("dump %s: %v", database, err)
	}
	return out
}

// statistics are what the planner of a database knows of its values, which a dump does not have.
func (v *victim) statistics(database string) []byte {
	v.t.Helper()
	conn, err := pgx.Connect(v.t.Context(), v.databaseURL(database))
	if err != nil {
		v.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(v.t.Context(), `select starelid::regclass::text || '.' || staattnum || concat_ws(' ', stavalues1, stavalues2, stavalues3, stavalues4, stavalues5) from pg_statistic`)
	if err != nil {
		v.t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		v.t.Fatal(err)
	}
	return []byte(strings.Join(lines, "\n"))
}

// exec runs statements, one after the other.
func (v *victim) exec(database string, statements ...string) {
	v.t.Helper()
	conn, err := pgx.Connect(v.t.Context(), v.databaseURL(database))
	if err != nil {
		v.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, statement := range statements {
		if _, err := conn.Exec(v.t.Context(), statement); err != nil {
			v.t.Fatalf("%s: %v", statement, err)
		}
	}
}

// TestScanner holds that a word is found in whatever form it is written.
func TestScanner(t *testing.T) {
	t.Parallel()
	const word = "Zwölfxyqvok & co"
	s := wholeScanner([]*suspect{{name: "ada", words: map[string]string{"name": word}}})
	written := map[string]string{
		"as it is": word, "lower": strings.ToLower(word), "json": `{"a":"` + strings.Trim(strconv.QuoteToASCII(word), `"`) + `"}`, "html": html.EscapeString(word),
		"query": url.QueryEscape(word), "path": url.PathEscape(word),
	}
	for shift := range 6 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + word + strings.Repeat("y", shift%4)))
		written["base64 "+strconv.Itoa(shift)] = text
		written["base64 in hex "+strconv.Itoa(shift)] = hex.EncodeToString([]byte(text))
	}
	for name, text := range written {
		if found := s.find([]byte("before " + text + " after")); len(found) != 1 {
			t.Errorf("%s: found %v in %s", name, found, text)
		}
	}
	if found := s.find([]byte("Zwölfxyqvoc & co")); len(found) != 0 {
		t.Errorf("found %v in another word", found)
	}
}
